// Whatever must hear that its loop is gone, and is not a socket.
#pragma once

namespace tidemill::detail {

class LoopMember;

/// Where a member hangs in the loop's list; only the loop writes here.
struct LoopMemberPlace {
    LoopMember* next = nullptr;
    LoopMember* previous = nullptr;
};

class LoopMember : public LoopMemberPlace {
public:
    LoopMember() noexcept = default;
    LoopMember(const LoopMember&) = delete;
    LoopMember& operator=(const LoopMember&) = delete;

    /// Forget the loop and resume nobody; the loop has taken this member off its list.
    virtual void on_loop_gone() noexcept = 0;

protected:
    ~LoopMember() = default;
};

} // namespace tidemill::detail
