// The results of waiting for events and semaphores.

#include <tidemill/core/event.hpp>
#include <tidemill/core/semaphore.hpp>

namespace tidemill {

bool EventWait::start(detail::PromiseBase& task) noexcept {
    if (event_.is_set()) return complete(task);
    event_.waiting_.wait(*this, task);
    return true;
}

Result<void> EventWait::await_resume() const {
    if (error()) return failure(error().code());
    return {};
}

void Event::set() noexcept {
    is_set_ = true;
    waiting_.finish_all({});
}

Result<void> AcquireOperation::await_resume() {
    if (!take()) return failure(error().code());
    return {};
}

} // namespace tidemill
