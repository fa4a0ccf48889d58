// Letting time pass, and letting others run.
#pragma once

#include <tidemill/core/timed_operation.hpp>

namespace tidemill {

/// Made by sleep().
class [[nodiscard]] SleepOperation final : private detail::TimedOperation {
public:
    explicit SleepOperation(Duration duration) noexcept;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        start(frame.promise());
    }
    Result<void> await_resume() const;

private:
    void start(detail::PromiseBase& waiter) noexcept;
};

/// Suspends the task for at least `duration`; less than 2 ms longer (the tick, and the selector's
/// whole milliseconds), and by what the loop is busy with. Zero or less lets the others of this
/// turn run first. The result is a Result<void>. Errors: `Errc::cancelled`.
[[nodiscard]] inline SleepOperation sleep(Duration duration) noexcept {
    return SleepOperation(duration);
}

} // namespace tidemill
