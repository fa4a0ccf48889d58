// What the waits of all selectors here have in common: the timeout.
#pragma once

#include "core/selector.hpp"
#include <algorithm>

namespace tidemill::detail {

/// No single wait lasts longer: it returns early with no event, which is always allowed.
inline constexpr Duration longest_wait = std::chrono::hours(24);

/// Counts down the timeout of one wait(), which may take several calls of the system. Those may
/// return early, since the system counts in ticks; a selector's wait never does.
class Countdown {
public:
    explicit Countdown(Duration timeout) noexcept
        : limit_(std::clamp(timeout, Duration::zero(), longest_wait)),
          began_(limit_ == Duration::zero() ? Duration::zero() : steady_clock().now()) {}

    [[nodiscard]] Duration left() const noexcept {
        if (limit_ == Duration::zero()) return limit_;
        return std::max(limit_ - (steady_clock().now() - began_), Duration::zero());
    }

private:
    Duration limit_;
    Duration began_;
};

/// Rounded up: a wait that is too short makes timers early and the loop spin.
[[nodiscard]] inline int to_wait_ms(Duration timeout) noexcept {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
}

} // namespace tidemill::detail
