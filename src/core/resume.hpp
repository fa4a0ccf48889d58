// The one place where the loop continues a chain of tasks, for the callers that inline it.
#pragma once

#include "core/loop_core.hpp"
#include <tidemill/core/inline.hpp>
#include <tidemill/core/promise.hpp>

namespace tidemill::detail {

TIDEMILL_INLINE void PromiseBase::settle() noexcept {
    is_running_ = false;
    if (has_finished_ || is_doomed_) [[unlikely]]
        owner_->child_stopped(*this); // destroys this frame
}

TIDEMILL_INLINE void PromiseBase::resume_on(LoopCore& loop) noexcept {
    PromiseBase& chain = root();
    chain.is_running_ = true;
    loop.begin_run();
    frame().resume();
    chain.after_run(loop);
}

TIDEMILL_INLINE void PromiseBase::after_run(LoopCore& loop) noexcept {
    loop.after_run(*owner_);
    settle();
}

// The first half of resume_on(). The loop finds the chain and calls after_run(), so that nothing
// is left to do here behind the resumption, which therefore is a jump.
TIDEMILL_INLINE void PromiseBase::resume_in_dispatch(LoopCore& loop) {
    PromiseBase& chain = root();
    chain.is_running_ = true;
    loop.begin_run();
    loop.set_dispatched(chain);
    return frame().resume();
}

TIDEMILL_INLINE void Operation::park_here(OperationOwner& owner, PromiseBase& waiter) noexcept {
    owner_ = &owner;
    waiter_ = &waiter;
    state_ = State::parked;
    waiter.set_awaited(this);
    if (waiter.take_pending_cancel()) [[unlikely]]
        owner.cancel_operation(*this);
}

/// Operation::finish_now() for an operation of that loop.
TIDEMILL_INLINE void Operation::finish_on(LoopCore& loop, PackedError error) noexcept {
    error_ = error;
    state_ = State::idle;
    waiter_->resume_on(loop);
}

TIDEMILL_INLINE void Operation::finish_in_dispatch(LoopCore& loop) {
    state_ = State::idle;
    return waiter_->resume_in_dispatch(loop);
}

} // namespace tidemill::detail
