#include "core/loop_core.hpp"
#include <tidemill/core/require.hpp>
#include <tidemill/core/task_scope.hpp>
#include <utility>

namespace tidemill {

TaskScope::TaskScope(EventLoop& loop, const char* name) noexcept
    : TaskOwner(&loop.core()), name_(name) {
    loop_->add_member(*this);
}

TaskScope::~TaskScope() {
    clear();
    if (loop_ != nullptr) loop_->remove_member(*this);
    if (first_exception_ != nullptr && loop_ != nullptr) ++loop_->counters().failed_tasks;
    // A waiting join() is in a frame that outlives its scope: its operation must not come back
    // here.
    if (joiner_ != nullptr) std::exchange(joiner_, nullptr)->finish_later(Errc::cancelled);
}

void TaskScope::spawn(Task<void> task) noexcept {
    if (loop_ == nullptr) return;
    loop_->check_thread();
    detail::PromiseBase& root = *std::move(task).release();
    children_.add(root);
    ++size_;
    root.start_root(*this);
}

void TaskScope::cancel() noexcept {
    for (detail::PromiseBase* child = children_.first(); child != nullptr;
         child = detail::RootList::next(*child))
        child->cancel_chain();
}

void TaskScope::clear() noexcept {
    while (!children_.empty()) {
        detail::PromiseBase& child = *children_.first();
        children_.remove(child);
        --size_;
        if (child.is_running()) {
            child.doom(*loop_);
        } else {
            child.destroy();
        }
    }
    if (joiner_ != nullptr) std::exchange(joiner_, nullptr)->finish_later({});
}

void TaskScope::child_stopped(detail::PromiseBase& root) noexcept {
    children_.remove(root);
    --size_;
    root.destroy(); // may destroy what its locals own, this scope never: a scope outlives its tasks
    if (size_ == 0 && joiner_ != nullptr) std::exchange(joiner_, nullptr)->finish_later({});
}

void TaskScope::child_failed(std::exception_ptr exception) noexcept {
    if (first_exception_ == nullptr) {
        first_exception_ = std::move(exception);
    } else {
        ++loop_->counters().failed_tasks;
    }
}

void TaskScope::abandon(detail::Operation&) noexcept { joiner_ = nullptr; }

bool JoinOperation::start(detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(scope_.joiner_ == nullptr, "a TaskScope is joined by one task at a time");
    if (cancels_) scope_.cancel();
    if (scope_.empty()) return false;
    scope_.joiner_ = this;
    park(scope_, waiter);
    return true;
}

Result<void> JoinOperation::await_resume() {
    if (error()) return failure(error().code());
    if (scope_.first_exception_ != nullptr)
        std::rethrow_exception(std::exchange(scope_.first_exception_, nullptr));
    return {};
}

} // namespace tidemill
