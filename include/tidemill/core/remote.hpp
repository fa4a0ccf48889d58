// Remote: the one way by which another thread reaches a loop.
#pragma once

#include <memory>
#include <tidemill/core/function.hpp>

namespace tidemill {

namespace detail {
class Inbox;
}

/// A copyable mailbox of a loop; may outlive it. Thread: any.
class Remote {
public:
    /// Runs `closure` on the loop's thread, in this turn or the next; closures posted by one thread
    /// keep their order. False: the loop is gone or LoopOptions::posted_closures are waiting. A
    /// closure that the loop accepted but was destroyed before running is destroyed with it. Throws
    /// std::bad_alloc.
    [[nodiscard]] bool post(Function closure) const;
    /// As EventLoop::stop(); does nothing when the loop is gone.
    void stop() const noexcept;

private:
    friend class detail::Inbox;
    explicit Remote(std::shared_ptr<detail::Inbox> inbox) noexcept : inbox_(std::move(inbox)) {}
    std::shared_ptr<detail::Inbox> inbox_;
};

} // namespace tidemill
