// How an operation ends that need not wait.
#pragma once

#include "core/loop_core.hpp"

namespace tidemill::detail {

/// Completes `operation` and charges the turn's budget of its task; true if the task has to suspend
/// because the budget is spent. Not for a read that has its bytes: a task that is destroyed while
/// it waits for its next turn would take them along.
inline bool complete(Operation& operation, PromiseBase& waiter, PackedError error,
                     std::size_t bytes = 0) noexcept {
    operation.set_error(error);
    LoopCore& loop = *waiter.loop(); // a closed stream has none, and has to charge as well
    loop.charge(bytes);
    if (loop.has_budget()) [[likely]]
        return false;
    operation.yield(waiter, error);
    return true;
}

} // namespace tidemill::detail
