// Timer: a callback at a later time. Tasks use sleep() and deadlines instead.
#pragma once

#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/timer_node.hpp>

namespace tidemill {

/// Calls a function once, some time after start(). Never early; less than 2 ms late (the tick, and
/// the selector's whole milliseconds), and by what other callbacks of the turn take. Does not move.
/// Thread: the loop's own.
class Timer final : private detail::TimerNode {
public:
    /// `name` stands for the timer in the list of slow callbacks and must outlive it.
    Timer(EventLoop& loop, Function callback, const char* name = "timer") noexcept;
    /// Cancels.
    ~Timer() {
        cancel();
        if (destroyed_flag_ != nullptr) *destroyed_flag_ = true;
    }

    /// Starts, or starts anew, to call the function `delay` from now (negative: zero). The callback
    /// may start the timer again, and may destroy it. An exception that leaves it leaves
    /// EventLoop::run(). Does nothing when the loop is gone.
    void start(Duration delay) noexcept;
    void cancel() noexcept;
    [[nodiscard]] bool is_running() const noexcept { return armed(); }

private:
    void on_timer() noexcept override;

    Remote remote_;
    Function callback_;
    const char* name_;
    bool* destroyed_flag_ = nullptr; ///< while the callback runs
};

} // namespace tidemill
