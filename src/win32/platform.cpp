// What this platform offers: its selectors, the best first, and its clock.

#include "core/selector_choice.hpp"
#include "win32/iocp_selector.hpp"
#include "win32/select_selector.hpp"
#include "win32/wsapoll_selector.hpp"
#include <chrono>

namespace tidemill::detail {
namespace {

constexpr SelectorMaker makers[] = {
    {"iocp", [] { return make_iocp_selector(); }},
    {"wsapoll", make_wsapoll_selector},
    {"select", make_select_selector},
};

// The performance counter, by way of the standard library; it is as cheap as any other clock here.
class SteadyClock final : public Clock {
public:
    Duration now() noexcept override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

} // namespace

std::span<const SelectorMaker> platform_selectors() noexcept { return makers; }

std::int64_t steady_coarse_ns() noexcept { return SteadyClock().now().count(); }

Clock& steady_clock() noexcept {
    static SteadyClock clock;
    return clock;
}

} // namespace tidemill::detail
