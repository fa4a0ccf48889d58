#include "core/completion.hpp"
#include "core/resume.hpp"
#include <tidemill/core/operation.hpp>
#include <tidemill/core/promise.hpp>

namespace tidemill::detail {

void OperationOwner::cancel_operation(Operation& operation) noexcept {
    abandon(operation);
    operation.finish_later(Errc::cancelled);
}

void Operation::park(OperationOwner& owner, PromiseBase& waiter) noexcept {
    park_here(owner, waiter);
}

void Operation::finish_later(PackedError error) noexcept {
    error_ = error;
    LoopCore* loop = waiter_->loop();
    if (loop == nullptr) return forget();
    loop->ready().push(*this);
    loop->work_came_up();
}

void Operation::finish_now(PackedError error) noexcept { finish_on(*waiter_->loop(), error); }

void Operation::yield(PromiseBase& waiter, PackedError error) noexcept {
    waiter_ = &waiter;
    waiter.set_awaited(this);
    finish_later(error);
}

bool Operation::complete(PromiseBase& waiter, PackedError error) noexcept {
    return detail::complete(*this, waiter, error);
}

bool Operation::try_cancel() noexcept {
    if (state_ != State::parked) return false;
    owner_->cancel_operation(*this);
    return true;
}

void Operation::take_off() noexcept {
    if (state_ == State::parked) {
        state_ = State::idle;
        owner_->abandon(*this);
    } else {
        state_ = State::idle;
        previous_->next_ = next_;
        next_->previous_ = previous_;
    }
}

ReadyList::ReadyList() noexcept {
    head_.next_ = &head_;
    head_.previous_ = &head_;
}

void ReadyList::push(Operation& operation) noexcept {
    operation.state_ = Operation::State::ready;
    operation.next_ = &head_;
    operation.previous_ = head_.previous_;
    head_.previous_->next_ = &operation;
    head_.previous_ = &operation;
}

Operation& ReadyList::pop() noexcept {
    Operation& first = *head_.next_;
    head_.next_ = first.next_;
    first.next_->previous_ = &head_;
    first.state_ = Operation::State::idle;
    return first;
}

void ReadyList::move_to(ReadyList& other) noexcept {
    if (empty()) return;
    other.head_.previous_->next_ = head_.next_;
    head_.next_->previous_ = other.head_.previous_;
    head_.previous_->next_ = &other.head_;
    other.head_.previous_ = head_.previous_;
    head_.next_ = &head_;
    head_.previous_ = &head_;
}

void ReadyList::forget_all() noexcept {
    while (!empty()) pop().forget();
}

} // namespace tidemill::detail
