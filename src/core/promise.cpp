#include "core/resume.hpp"
#include <tidemill/core/promise.hpp>
#include <utility>

namespace tidemill::detail {

void PromiseBase::unhandled_exception() noexcept {
    if (is_root_) return owner_->child_failed(std::current_exception());
    ::new (static_cast<void*>(&exception_)) std::exception_ptr(std::current_exception());
    has_exception_ = true;
}

bool PromiseBase::start_under(PromiseBase& parent) noexcept {
    continuation_ = &parent;
    parent.awaited_ = this;
    parent.awaits_child_ = true;
    frame().resume();
    parent_waits_ = !has_finished_;
    if (has_finished_) parent.awaits_nothing();
    return parent_waits_;
}

void PromiseBase::finish() noexcept {
    has_finished_ = true;
    if (!parent_waits_) return; // the parent is still inside start_under(), or this is a root
    PromiseBase& parent = *continuation_;
    parent.awaits_nothing();
    parent.frame().resume(); // destroys this frame
}

void PromiseBase::resume() noexcept { resume_on(*loop()); }

void PromiseBase::start_root(TaskOwner& owner) noexcept {
    is_root_ = true;
    owner_ = &owner;
    is_running_ = true;
    frame().resume();
    settle();
}

Operation* PromiseBase::awaited_operation() noexcept {
    PromiseBase* promise = this;
    while (promise->awaits_child_) promise = static_cast<PromiseBase*>(promise->awaited_);
    return static_cast<Operation*>(promise->awaited_);
}

void PromiseBase::cancel_chain() noexcept {
    Operation* operation = is_running_ ? nullptr : awaited_operation();
    if (operation == nullptr || !operation->try_cancel()) cancel_is_pending_ = true;
}

void RootList::add(PromiseBase& root) noexcept {
    root.links_ = {first_, nullptr};
    if (first_ != nullptr) first_->links_.previous = &root;
    first_ = &root;
}

void RootList::remove(PromiseBase& root) noexcept {
    auto [next, previous] = root.links_;
    (previous == nullptr ? first_ : previous->links_.next) = next;
    if (next != nullptr) next->links_.previous = previous;
    root.links_ = {};
}

} // namespace tidemill::detail
