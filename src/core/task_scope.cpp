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
    if (destroyed_flag_ != nullptr) *std::exchange(destroyed_flag_, nullptr) = true;
    // A waiting join() is in a frame that outlives its scope: its operation must not come back
    // here.
    if (JoinOperation* const joiner = joiner_; joiner != nullptr) {
        forget_joiner();
        joiner->is_parked() ? joiner->finish_later(Errc::cancelled)
                            : joiner->set_error(Errc::cancelled);
    }
    clear();
    if (loop_ == nullptr) return;
    loop_->remove_member(*this);
    if (first_exception_ != nullptr) ++loop_->counters().failed_tasks;
}

void TaskScope::spawn(Task<void> task) noexcept {
    if (loop_ == nullptr) return;
    loop_->check_thread();
    detail::PromiseBase& root = *std::move(task).release();
    children_.add(root);
    ++size_;
    const detail::LoopCore::UseGuard in_use(*loop_);
    loop_->work_came_up();
    root.start_root(*this);
}

void TaskScope::cancel() noexcept {
    for (detail::PromiseBase* child = children_.first(); child != nullptr;
         child = detail::RootList::next(*child))
        child->cancel_chain();
}

// A destroyed frame destroys what it owns, which may be the last owner of this scope, or clear it
// once more; so the loop begins anew after each child and looks whether the scope is still there.
void TaskScope::clear() noexcept {
    bool is_destroyed = false;
    bool* const outer = std::exchange(destroyed_flag_, &is_destroyed);
    while (!children_.empty()) {
        detail::PromiseBase& child = *children_.first();
        children_.remove(child);
        --size_;
        if (child.is_running()) {
            child.doom(*loop_);
            continue;
        }
        child.destroy();
        if (!is_destroyed) continue;
        if (outer != nullptr) *outer = true;
        return;
    }
    destroyed_flag_ = outer;
    finish_join();
    if (loop_ != nullptr) loop_->work_came_up();
}

void TaskScope::child_stopped(detail::PromiseBase& root) noexcept {
    children_.remove(root);
    --size_;
    if (size_ == 0) finish_join();
    root.destroy(); // comes last: the frame may be what keeps this scope alive
}

void TaskScope::child_failed(std::exception_ptr exception) noexcept {
    if (first_exception_ == nullptr) {
        first_exception_ = std::move(exception);
    } else {
        ++loop_->counters().failed_tasks;
    }
}

void TaskScope::abandon(detail::Operation&) noexcept { forget_joiner(); }

void TaskScope::forget_joiner() noexcept {
    if (joiner_ != nullptr) std::exchange(joiner_, nullptr)->scope_ = nullptr;
}

void TaskScope::finish_join() noexcept {
    if (joiner_ != nullptr && joiner_->is_parked()) joiner_->finish_later({});
}

detail::LoopCore* detail::ScopeLink::loop_of(const TaskScope& scope) noexcept {
    return scope.loop();
}

void detail::ScopeLink::attach(TaskScope& scope, std::unique_ptr<ScopeLink> link) noexcept {
    link->next_ = std::move(scope.links_);
    scope.links_ = std::move(link);
}

JoinOperation::~JoinOperation() {
    if (scope_ != nullptr && scope_->joiner_ == this) scope_->forget_joiner();
}

bool JoinOperation::start(detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(scope_->joiner_ == nullptr, "a TaskScope is joined by one task at a time");
    if (cancels_) scope_->cancel();
    scope_->joiner_ = this;
    if (scope_->empty()) return complete(waiter);
    park(*scope_, waiter);
    return true;
}

Result<void> JoinOperation::await_resume() {
    if (error()) return failure(error().code());
    TaskScope& scope = *scope_;
    if (scope.joiner_ == this) scope.forget_joiner();
    if (scope.first_exception_ != nullptr)
        std::rethrow_exception(std::exchange(scope.first_exception_, nullptr));
    return {};
}

} // namespace tidemill
