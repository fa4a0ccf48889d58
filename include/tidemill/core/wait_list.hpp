// Who waits for an event, a permit or an item: first come, first served, without allocation.
//
// The links lie in the waiting operations. A waiter that was served is off the list at once, though
// its task goes on only later, from the loop's ready list: so nobody is resumed inside set(),
// release() or close(), and a list that is destroyed leaves nothing behind that points to it.
#pragma once

#include <tidemill/core/promise.hpp>
#include <tidemill/core/timed_operation.hpp>

namespace tidemill::detail {

class Waiter;

/// Where a waiter stands in its line; only the line writes here. Apart from Waiter because making
/// the line its friend would give access to the destructor, which only waiting frames may have.
struct WaiterPlace {
    Waiter* next_waiter = nullptr;
    Waiter* previous_waiter = nullptr;
};

/// An operation that can stand in a line.
class Waiter : public TimedOperation, public WaiterPlace {
protected:
    explicit Waiter(SuspensionPoint point, Deadline deadline) noexcept
        : TimedOperation(point, deadline) {}
    ~Waiter() { leave(); }
};

/// The bare line.
class WaiterLine {
public:
    [[nodiscard]] Waiter* first() const noexcept { return first_; }
    void add(Waiter& waiter) noexcept;
    void remove(Waiter& waiter) noexcept;

private:
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
};

/// The line of those who are suspended. Whoever still waits when it is destroyed ends as cancelled.
class WaitList final : private OperationOwner {
public:
    WaitList() noexcept = default;
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;
    ~WaitList() { finish_all(Errc::cancelled); }

    /// Suspends `task` on `waiter`, at the end of the line.
    void wait(Waiter& waiter, PromiseBase& task) noexcept;
    /// Takes the first waiter off and gives it, for finish_later(); null if nobody waits.
    [[nodiscard]] Waiter* take_first() noexcept;
    void finish_all(PackedError error) noexcept;

private:
    void abandon(Operation& operation) noexcept override;

    WaiterLine line_;
};

} // namespace tidemill::detail
