// The control messages of a datagram: any bytes are taken, and what is read is in its range.
#include "posix/control_messages.hpp"
#include "check.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

using tidemill::detail::DatagramResult;

namespace {

bool is_same(const DatagramResult& one, const DatagramResult& other) {
    return one.own_address == other.own_address && one.interface_index == other.interface_index &&
           one.ecn == other.ecn && one.segment_bytes == other.segment_bytes;
}

DatagramResult read(std::span<const std::byte> control) {
    DatagramResult result;
    tidemill::detail::read_control(control, result);
    fuzz::check(static_cast<unsigned>(result.ecn) <= 3, "a mark has two bits");
    fuzz::check(result.segment_bytes <= INT32_MAX, "a size is never negative");
    fuzz::check(result.bytes == 0 && !result.is_truncated && !result.error,
                "nothing else is touched");
    return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    const DatagramResult whole = read(bytes);
    // At any alignment the same; copied, so that a sanitizer sees a byte too many.
    std::vector<std::byte> shifted(size + 1);
    std::copy(bytes.begin(), bytes.end(), shifted.begin() + 1);
    fuzz::check(is_same(whole, read(std::span(shifted).subspan(1))), "alignment means nothing");
    for (std::size_t cut = 0; cut < size; cut += 1 + size / 16) {
        const std::vector<std::byte> part(bytes.begin(),
                                          bytes.begin() + static_cast<std::ptrdiff_t>(cut));
        static_cast<void>(read(part));
    }
    return 0;
}
