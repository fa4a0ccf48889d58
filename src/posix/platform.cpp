// What this platform offers: its selectors, the best first, and its clock.

#include "core/selector_choice.hpp"
#include "posix/poll_selector.hpp"
#include "posix/select_selector.hpp"
#ifdef __linux__
#include "posix/epoll_selector.hpp"
#endif
#include <time.h>

namespace tidemill::detail {
namespace {

constexpr SelectorMaker makers[] = {
#ifdef __linux__
    {"epoll", make_epoll_selector},
#endif
    {"poll", make_poll_selector},
    {"select", make_select_selector},
};

class SteadyClock final : public Clock {
public:
    Duration now() noexcept override { return read(CLOCK_MONOTONIC); }
#ifdef CLOCK_MONOTONIC_COARSE
    // A quarter of the price, since it does not ask the processor's counter; it moves every few
    // milliseconds.
    Duration coarse_now() noexcept override { return read(CLOCK_MONOTONIC_COARSE); }
#endif

private:
    static Duration read(clockid_t clock) noexcept {
        timespec time{};
        ::clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
};

} // namespace

std::span<const SelectorMaker> platform_selectors() noexcept { return makers; }

std::int64_t steady_coarse_ns() noexcept { return SteadyClock().coarse_now().count(); }

Clock& steady_clock() noexcept {
    static SteadyClock clock;
    return clock;
}

} // namespace tidemill::detail
