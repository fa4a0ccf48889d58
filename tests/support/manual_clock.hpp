// A clock that moves only when a test says so.
#pragma once

#include <algorithm>
#include <tidemill/core/clock.hpp>

namespace tidemill::support {

class ManualClock final : public Clock {
public:
    [[nodiscard]] Duration now() noexcept override { return now_; }
    /// The loop waits for real sockets here, but never for as long as the time that stands still.
    [[nodiscard]] Duration longest_wait(Duration planned) noexcept override {
        return std::min<Duration>(planned, std::chrono::milliseconds(1));
    }
    void advance(Duration by) noexcept { now_ += by; }

private:
    Duration now_ = std::chrono::hours(1);
};

} // namespace tidemill::support
