// Semaphore: a number of permits that tasks share.
#pragma once

#include <tidemill/core/permits.hpp>

namespace tidemill {

class Semaphore;

/// Made by Semaphore::acquire().
class [[nodiscard]] AcquireOperation final : private detail::PermitWait {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<void> await_resume();

private:
    friend Semaphore;
    AcquireOperation(detail::Permits& permits, Deadline deadline) noexcept
        : PermitWait(detail::SuspensionPoint::semaphore, permits, deadline) {}
};

/// Permits are handed out in the order of the requests: nobody overtakes a task that waits. Belongs
/// to no loop; destroying it ends all waits as `cancelled`. Thread: that of its waiters.
class Semaphore {
public:
    explicit Semaphore(std::size_t permits) noexcept : permits_(permits) {}

    /// Takes a permit, or waits for one; the result is a Result<void>, and only without an error
    /// does the caller hold a permit. No default deadline. A permit that was handed to a task which
    /// is destroyed before it runs goes to the next. Errors: `Errc::deadline_expired`,
    /// `Errc::cancelled`.
    AcquireOperation acquire(Deadline deadline = {}) noexcept { return {permits_, deadline}; }
    /// Takes a permit if one is free.
    [[nodiscard]] bool try_acquire() noexcept { return permits_.try_take(); }
    /// Gives permits back (or adds new ones); nobody is resumed inside this call.
    void release(std::size_t permits = 1) noexcept { permits_.give(permits); }
    /// Permits that are free; zero while anybody waits.
    [[nodiscard]] std::size_t available() const noexcept { return permits_.available(); }

private:
    detail::Permits permits_;
};

} // namespace tidemill
