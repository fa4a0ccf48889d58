// Signals: what asks the process to stop, to reload, and the like, as something to wait for.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/core/timed_operation.hpp>

namespace tidemill {

class EventLoop;
class Signals;

namespace detail {
class SignalCatcher;
}

enum class Signal : std::uint8_t {
    interrupt, ///< SIGINT: control-C
    terminate, ///< SIGTERM: a service manager asks for the end
    hangup,    ///< SIGHUP: the terminal is gone; to a service: reload
    quit,      ///< SIGQUIT
    user1,     ///< SIGUSR1
    user2,     ///< SIGUSR2
    /// SIGPIPE: nobody reads the process's output any more. Sockets never raise it. A program that
    /// names it here goes on, and sees that its output fails.
    broken_pipe,
};

/// As the manuals name it, "SIGTERM" for example.
[[nodiscard]] const char* name_of(Signal signal) noexcept;

/// Made by Signals::next().
class [[nodiscard]] SignalOperation final : public detail::TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<Signal> await_resume() const noexcept {
        if (error()) return failure(error().code());
        return signal_;
    }

private:
    friend Signals;
    SignalOperation(Signals& signals, Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::signals, deadline), signals_(signals) {}
    bool start(detail::PromiseBase& waiter) noexcept;
    void on_timer() noexcept override;

    Signals& signals_;
    Signal signal_ = Signal::interrupt;
};

/// Takes the named signals for its lifetime, and only those; afterwards they act as before. A
/// signal belongs to one Signals object at a time (checked). Does not move. Thread: the loop's own;
/// signals may arrive on any.
class Signals final : private detail::Source {
public:
    /// Throws std::system_error if the system has no descriptor or memory left.
    Signals(EventLoop& loop, std::initializer_list<Signal> taken);
    /// Whoever waits ends as `cancelled`. Signals that arrived and were not asked for are
    /// forgotten.
    ~Signals();

    /// Waits for the next signal. One that comes before it is asked for waits as well; the same
    /// signal several times counts once, as in the system. Several come in the order of `Signal`.
    ///
    /// Errors: `Errc::deadline_expired`, `Errc::cancelled`. At most one at a time (checked).
    SignalOperation next(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    void cancel() noexcept;

private:
    friend SignalOperation;

    bool start_wait(SignalOperation& request, detail::PromiseBase& waiter) noexcept;
    void expire(SignalOperation& request) noexcept;
    void on_readable() noexcept override;
    void on_writable() noexcept override {}
    void on_loop_gone() noexcept override;
    void abandon(detail::Operation& operation) noexcept override;
    void stop_watching() noexcept;

    detail::LoopCore* loop_;
    std::unique_ptr<detail::SignalCatcher> catcher_; ///< null once the loop is gone
    std::uint32_t slot_ = 0;
    detail::Interest interest_ = detail::Interest::none;
    SignalOperation* waiter_ = nullptr;
};

} // namespace tidemill
