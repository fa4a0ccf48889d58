#include <tidemill/core/permits.hpp>
#include <utility>

namespace tidemill::detail {

Permits::~Permits() {
    while (Waiter* const waiter = granted_.first()) {
        granted_.remove(*waiter);
        static_cast<PermitWait&>(*waiter).revoke();
    }
}

bool Permits::try_take() noexcept {
    if (available_ == 0) return false;
    --available_;
    return true;
}

void Permits::give(std::size_t count) noexcept {
    for (; count > 0; --count) {
        Waiter* const waiter = waiting_.take_first();
        if (waiter == nullptr) break;
        static_cast<PermitWait&>(*waiter).grant();
        waiter->finish_later({});
    }
    available_ += count;
}

void Permits::close(PackedError error) noexcept {
    closed_ = error;
    waiting_.finish_all(error);
}

PermitWait::~PermitWait() {
    if (take()) permits_.give(1);
}

bool PermitWait::start(PromiseBase& task) noexcept {
    if (permits_.try_take()) {
        grant();
        return complete(task);
    }
    if (permits_.closed_) return complete(task, permits_.closed_);
    permits_.waiting_.wait(*this, task);
    return true;
}

bool PermitWait::take() noexcept {
    if (!std::exchange(is_granted_, false)) return false;
    permits_.granted_.remove(*this);
    return true;
}

void PermitWait::grant() noexcept {
    is_granted_ = true;
    permits_.granted_.add(*this);
}

} // namespace tidemill::detail
