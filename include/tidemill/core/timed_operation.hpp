// An operation with a deadline of its own, for waits that do not belong to a stream.
#pragma once

#include <tidemill/core/operation.hpp>
#include <tidemill/core/timer_node.hpp>

namespace tidemill::detail {

class TimedOperation : public Operation, private TimerNode {
public:
    /// Parks, and arms the deadline unless it is the default (none) or never. When it passes, the
    /// owner is told to abandon the operation, which then ends with `deadline_expired`.
    void park_timed(OperationOwner& owner, PromiseBase& waiter) noexcept;

protected:
    explicit TimedOperation(SuspensionPoint point, Deadline deadline = {}) noexcept
        : Operation(point, deadline) {}
    ~TimedOperation() { stop_timer(); }

private:
    void on_timer() noexcept override;
    void stop_timer() noexcept;
};

} // namespace tidemill::detail
