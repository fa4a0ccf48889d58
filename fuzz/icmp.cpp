// An entry of the error queue: any bytes are taken; a report has an error and can be printed.
#include "check.hpp"
#include "posix/control_messages.hpp"

#include <cstdint>
#include <vector>

namespace {

void read(std::span<const std::byte> control) {
    tidemill::IcmpReport report;
    const bool is_told = tidemill::detail::read_queued_error(control, report);
    fuzz::check(is_told == static_cast<bool>(report.error), "a report has an error");
    fuzz::check(is_told || report.mtu == 0, "no report, no size");
    const std::string line = report.to_string();
    fuzz::check(!line.empty() && line.size() < 300, "a report is a line");
    fuzz::check(line.find('\n') == std::string::npos, "of its own");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    read(bytes);
    for (std::size_t cut = 0; cut < size; cut += 1 + size / 16)
        read(std::vector<std::byte>(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(cut)));
    return 0;
}
