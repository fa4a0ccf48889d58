// Counted permits that tasks wait for: the inside of Semaphore and Channel.
//
// A permit is handed to a waiter before its task runs again. Until then the operation stands in the
// line of those who were granted one, so that its destruction gives the permit to the next: nothing
// is lost, and nobody who comes later can overtake the waiter.
#pragma once

#include <cstddef>
#include <tidemill/core/wait_list.hpp>

namespace tidemill::detail {

class PermitWait;

class Permits {
public:
    explicit Permits(std::size_t available) noexcept : available_(available) {}
    Permits(const Permits&) = delete;
    Permits& operator=(const Permits&) = delete;
    /// Waits end as cancelled; so do those that were granted a permit and have not run yet.
    ~Permits();

    [[nodiscard]] bool try_take() noexcept;
    void give(std::size_t count) noexcept;
    /// Waits end with `error`, also later ones that find no permit.
    void close(PackedError error) noexcept;
    /// Permits that nobody holds and that are promised to nobody.
    [[nodiscard]] std::size_t available() const noexcept { return available_; }

private:
    friend PermitWait;

    std::size_t available_; ///< zero while anybody waits
    PackedError closed_;
    WaitList waiting_;
    WaiterLine granted_;
};

/// Waits for one permit.
class PermitWait : public Waiter {
public:
    /// For Permits only: one is set aside for this waiter.
    void grant() noexcept;
    /// For Permits only: there is none any more.
    void revoke() noexcept {
        is_granted_ = false;
        set_error(Errc::cancelled);
    }

protected:
    PermitWait(SuspensionPoint point, Permits& permits, Deadline deadline) noexcept
        : Waiter(point, deadline), permits_(permits) {}
    ~PermitWait();

    bool start(PromiseBase& task) noexcept;
    /// True if a permit was granted; it is the caller's from now on.
    [[nodiscard]] bool take() noexcept;

private:
    Permits& permits_; ///< gone once the wait has ended without a permit
    bool is_granted_ = false;
};

} // namespace tidemill::detail
