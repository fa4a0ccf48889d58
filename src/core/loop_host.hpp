// The loop's face of whoever runs it in a loop of his own.
#pragma once

namespace tidemill::detail {

/// Whoever turns a loop that is a guest in a loop of somebody else.
class LoopHost {
public:
    /// Work came up, or went away, outside of the guest's turns. Never called in a turn.
    virtual void work_came_up() noexcept = 0;

protected:
    ~LoopHost() = default;
};

} // namespace tidemill::detail
