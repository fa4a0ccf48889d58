// Event: something that has happened or not yet; any number of tasks may wait for it.
#pragma once

#include <tidemill/core/wait_list.hpp>

namespace tidemill {

class Event;

/// Made by Event::wait().
class [[nodiscard]] EventWait final : private detail::Waiter {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<void> await_resume() const;

private:
    friend Event;
    EventWait(Event& event, Deadline deadline) noexcept
        : Waiter(detail::SuspensionPoint::event, deadline), event_(event) {}
    bool start(detail::PromiseBase& task) noexcept;

    Event& event_;
};

/// Stays set until reset() (a manual-reset event). Belongs to no loop and may outlive the loop of
/// its waiters; destroying it ends their waits as `cancelled`. Thread: that of its waiters.
class Event {
public:
    explicit Event(bool is_set = false) noexcept : is_set_(is_set) {}

    /// Ends all waits, in the order in which they began; nobody is resumed inside this call.
    void set() noexcept;
    /// Later waits wait again; those that set() has ended stay ended.
    void reset() noexcept { is_set_ = false; }
    [[nodiscard]] bool is_set() const noexcept { return is_set_; }

    /// Waits until the event is set; the result is a Result<void>. No default deadline.
    /// Errors: `Errc::deadline_expired`, `Errc::cancelled`.
    EventWait wait(Deadline deadline = {}) noexcept { return {*this, deadline}; }

private:
    friend EventWait;

    detail::WaitList waiting_;
    bool is_set_;
};

} // namespace tidemill
