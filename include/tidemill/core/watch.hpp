// WatchOperation: waits for a socket that another library owns (libpq, c-ares, libcurl, ...).
#pragma once

#include <tidemill/core/native.hpp>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/core/timed_operation.hpp>

namespace tidemill {

class EventLoop;

/// Directions of a socket; `includes(interest, Interest::read)` asks for one of them.
using detail::includes;
using detail::Interest;

/// Made by EventLoop::watch().
class [[nodiscard]] WatchOperation final : public detail::TimedOperation, private detail::Source {
public:
    ~WatchOperation() {
        leave();
        unwatch();
    }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<Interest> await_resume() noexcept;

private:
    friend EventLoop;
    WatchOperation(detail::LoopCore& loop, NativeSocket socket, Interest interest,
                   Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::watch, deadline), loop_(&loop), socket_(socket),
          interest_(interest) {}
    bool start(detail::PromiseBase& waiter) noexcept;
    [[nodiscard]] detail::PackedError begin_watching() noexcept;
    void unwatch() noexcept;
    void note(Interest direction) noexcept;

    void abandon(detail::Operation& operation) noexcept override;
    void on_readable() noexcept override { note(Interest::read); }
    void on_writable() noexcept override { note(Interest::write); }
    void on_loop_gone() noexcept override;

    detail::LoopCore* loop_;
    NativeSocket socket_;
    std::uint32_t slot_ = 0;
    Interest interest_;
    Interest known_ = Interest::none; ///< to the selector
    Interest ready_ = Interest::none;
};

} // namespace tidemill
