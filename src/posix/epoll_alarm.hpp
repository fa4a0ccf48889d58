// Ends a wait of epoll at its deadline, without a timeout.
//
// A wait with a timeout starts and cancels a timer of the kernel, which was measured as 400 ns of
// each wait, and nearly all waits end before it. One timer descriptor in the set does the same for
// all waits until it goes off: it is set anew only for a deadline that is earlier than what it is
// set to, or when it has gone off. Going off for a deadline of before, it does not end the wait.
#pragma once

#include <cstdint>
#include <tidemill/core/clock.hpp>

namespace tidemill::detail {

class EpollAlarm {
public:
    /// Without a descriptor to be had, it is never set.
    EpollAlarm() noexcept;
    EpollAlarm(const EpollAlarm&) = delete;
    EpollAlarm& operator=(const EpollAlarm&) = delete;
    ~EpollAlarm();

    /// To be watched edge-triggered, so that it need not be read; -1: there is none.
    [[nodiscard]] int descriptor() const noexcept { return timer_; }
    /// True: it goes off within `timeout` from now. False: the wait needs a timeout of its own.
    [[nodiscard]] bool ends_wait_within(Duration timeout) noexcept;
    /// The wait has told of it.
    void on_expired() noexcept { is_set_ = false; }
    /// What it leaves of a wait with this timeout, when it has gone off.
    [[nodiscard]] Duration left_of(Duration timeout) const noexcept;

private:
    [[nodiscard]] bool set(std::int64_t moment_ns) noexcept;

    const int timer_;
    bool is_set_ = false;
    std::int64_t moment_ns_ = 0;      ///< of the steady clock, when set
    std::int64_t end_of_wait_ns_ = 0; ///< of the latest wait during which it may go off
};

} // namespace tidemill::detail
