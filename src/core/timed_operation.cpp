#include "core/loop_core.hpp"
#include <tidemill/core/sleep.hpp>
#include <tidemill/core/timed_operation.hpp>
#include <tidemill/core/timer.hpp>

namespace tidemill {
namespace detail {

void TimedOperation::park_timed(OperationOwner& owner, PromiseBase& waiter) noexcept {
    const Deadline limit = deadline(); // parking reuses its bytes
    if (!limit.is_default() && !limit.is_never()) {
        LoopCore& loop = *waiter.loop();
        loop.wheel().arm(*this, loop.moment_after(limit.timeout_ns()));
    }
    park(owner, waiter);
}

void TimedOperation::on_timer() noexcept {
    if (!is_parked()) return; // it has ended in this turn and waits to be resumed
    owner().abandon(*this);
    finish_now(Errc::deadline_expired);
}

void TimedOperation::stop_timer() noexcept {
    if (armed()) waiter().loop()->wheel().cancel(*this);
}

} // namespace detail

namespace {

// Nobody keeps a list of sleepers: the wheel knows them, and their own destructor leaves it.
class Sleepers final : public detail::OperationOwner {
public:
    void abandon(detail::Operation&) noexcept override {}
};
Sleepers sleepers;

} // namespace

SleepOperation::SleepOperation(Duration duration) noexcept
    : TimedOperation(duration > Duration::zero() ? detail::SuspensionPoint::sleep
                                                 : detail::SuspensionPoint::yield,
                     within(duration)) {}

void SleepOperation::start(detail::PromiseBase& waiter) noexcept {
    if (deadline().timeout_ns() == 0) return yield(waiter);
    park_timed(sleepers, waiter);
}

Result<void> SleepOperation::await_resume() const {
    if (!error() || error() == detail::PackedError(Errc::deadline_expired)) return {};
    return failure(error().code());
}

Timer::Timer(EventLoop& loop, Function callback, const char* name) noexcept
    : remote_(loop.remote()), callback_(std::move(callback)), name_(name) {}

void Timer::start(Duration delay) noexcept {
    detail::LoopCore* const loop = detail::Inbox::of(remote_).loop();
    if (loop == nullptr) return;
    loop->check_thread();
    loop->wheel().arm(*this, loop->moment_after(within(delay).timeout_ns()));
    loop->work_came_up();
}

void Timer::cancel() noexcept {
    if (!armed()) return;
    detail::LoopCore& loop = *detail::Inbox::of(remote_).loop();
    loop.wheel().cancel(*this);
    loop.work_came_up();
}

void Timer::on_timer() noexcept {
    detail::LoopCore& loop = *detail::Inbox::of(remote_).loop();
    const char* const name = name_;
    loop.begin_run();
    // The callback may destroy this timer, and with it the function that is running: it runs from
    // the stack, and goes back only if the timer is still there.
    bool is_destroyed = false;
    destroyed_flag_ = &is_destroyed;
    Function callback = std::move(callback_);
    try {
        callback();
    } catch (...) {
        loop.keep_exception(std::current_exception());
    }
    if (!is_destroyed) {
        destroyed_flag_ = nullptr;
        callback_ = std::move(callback);
    }
    loop.after_callback(name);
}

} // namespace tidemill
