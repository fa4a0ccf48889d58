// What the waits of all selectors here have in common: the timeout, and what a failure means.
#pragma once

#include "core/selector.hpp"
#include "posix/posix_error.hpp"
#include <algorithm>

namespace tidemill::detail {

/// No wait lasts longer: it returns early with no event, which is always allowed. Beyond some such
/// number, systems refuse a timeout or misread it.
inline constexpr Duration longest_wait = std::chrono::hours(24);

/// In milliseconds, -1 for ever. Rounding down would make timers early and the loop spin.
[[nodiscard]] inline int to_wait_ms(Duration timeout) noexcept {
    if (timeout == Selector::forever) return -1;
    const Duration bounded = std::clamp(timeout, Duration::zero(), longest_wait);
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(bounded).count());
}

/// A signal that interrupts a wait is no failure; the loop looks at its lists and waits again.
[[nodiscard]] inline Result<std::size_t> failed_wait(int number) {
    if (number == EINTR) return std::size_t{0};
    return failure(posix_error(number).code());
}

} // namespace tidemill::detail
