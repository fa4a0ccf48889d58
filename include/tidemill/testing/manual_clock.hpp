// ManualClock: time that passes only when a test says so.
#pragma once

#include <tidemill/core/clock.hpp>

namespace tidemill::testing {

/// A clock for `LoopOptions::clock`; it must outlive the loop. Thread: the loop's own.
class ManualClock final : public Clock {
public:
    /// What happens when the loop has nothing to do but to wait for a timer. Nobody really waits:
    /// a clock that stands still lets the loop turn, one that moves on jumps to the timer.
    enum class WhenIdle { stand_still, move_on };

    explicit ManualClock(WhenIdle when_idle = WhenIdle::stand_still) noexcept
        : when_idle_(when_idle) {}

    /// Lets `span` pass, which must not be negative.
    void advance(Duration span) noexcept { now_ += span; }
    void set_when_idle(WhenIdle when_idle) noexcept { when_idle_ = when_idle; }

    [[nodiscard]] Duration now() noexcept override { return now_; }
    /// A wait without end is a real one: only a socket or another thread can end it.
    [[nodiscard]] Duration longest_wait(Duration planned) noexcept override {
        return planned == Duration::max() ? planned : Duration::zero();
    }
    void idle_for(Duration planned) noexcept override {
        if (when_idle_ == WhenIdle::move_on) advance(planned);
    }

private:
    Duration now_ = std::chrono::hours(1); ///< not zero, so that a forgotten start shows
    WhenIdle when_idle_;
};

} // namespace tidemill::testing
