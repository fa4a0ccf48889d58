#include "core/loop_core.hpp"
#include <algorithm>
#include <tidemill/core/when_group.hpp>

namespace tidemill::detail {

bool WhenGroup::start(PromiseBase& waiter) noexcept {
    loop_ = waiter.loop();
    loop_->add_member(*this);
    for (PromiseBase* const child : children_) {
        if (is_decided_) break;
        ++started_;
        ++running_;
        child->start_root(*this);
    }
    if (running_ == 0) return complete(waiter);
    park(*this, waiter); // a cancellation that came before is passed to the children here
    return true;
}

void WhenGroup::cancel_children() noexcept {
    for (PromiseBase* const child : children_.first(started_))
        if (!child->has_finished()) child->cancel_chain();
}

// The frame stays until the results have been taken from it.
void WhenGroup::child_stopped(PromiseBase& root) noexcept {
    --running_;
    if (!std::exchange(has_winner_, true))
        winner_ = static_cast<std::size_t>(std::ranges::find(children_, &root) - children_.begin());
    const bool decides = goal_ == Goal::first || exception_ != nullptr;
    if (decides && !std::exchange(is_decided_, true)) cancel_children();
    if (running_ == 0 && is_parked()) finish_later({});
}

void WhenGroup::child_failed(std::exception_ptr exception) noexcept {
    const bool decides = goal_ == Goal::all ? exception_ == nullptr : !has_winner_;
    if (decides) {
        exception_ = std::move(exception);
    } else {
        ++loop_->counters().failed_tasks;
    }
}

void WhenGroup::destroy_children() noexcept {
    leave();
    for (std::size_t i = children_.size(); i > 0; --i) {
        PromiseBase& child = *children_[i - 1];
        if (child.is_running()) {
            child.doom(*loop_);
        } else {
            child.destroy();
        }
    }
    if (loop_ != nullptr) loop_->remove_member(*this);
}

} // namespace tidemill::detail
