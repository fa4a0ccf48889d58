// StandardInput: the process's standard input, read without blocking the loop.
#pragma once

#include <memory>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/loop_member.hpp>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/timed_operation.hpp>

namespace tidemill {

class EventLoop;
class StandardInput;

namespace detail {
class InputReader;
class InputHandle;
} // namespace detail

/// Made by StandardInput::read().
class [[nodiscard]] StandardInputOperation final : public detail::TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<Chunk> await_resume() noexcept {
        if (error()) return failure(error().code());
        return std::move(chunk_);
    }

private:
    friend StandardInput;
    StandardInputOperation(StandardInput& input, Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::standard_input, deadline), input_(input) {}
    bool start(detail::PromiseBase& waiter) noexcept;
    void on_timer() noexcept override;

    StandardInput& input_;
    Chunk chunk_;
};

/// Works for files, pipes, sockets and terminals. A helper thread does the reading, since files are
/// always ready for a selector, or refused by it, and some systems cannot wait for a console at
/// all.
///
/// It reads only while a read was asked for, and at most 64 KiB ahead of it: what nobody asks for
/// stays in the system, for a child process for example. Does not move. Thread: the loop's own.
class StandardInput final : private detail::LoopMember, private detail::OperationOwner {
public:
    explicit StandardInput(EventLoop& loop);
    /// For tests: reads from what `handle` stands for.
    StandardInput(EventLoop& loop, Result<std::unique_ptr<detail::InputHandle>> handle);
    /// Ends the helper thread; never waits for input. Whoever waits ends as `cancelled`.
    ~StandardInput();

    /// Waits for bytes; an empty chunk means the end of the input, for ever after.
    ///
    /// Errors: `std::errc::bad_file_descriptor` if the process was started without standard input;
    /// others of the system, which are final; `Errc::deadline_expired` and `Errc::cancelled`, after
    /// which the next read goes on where this one left. At most one read at a time (checked).
    StandardInputOperation read(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    void cancel() noexcept;

private:
    friend StandardInputOperation;
    friend detail::InputReader;

    bool start_read(StandardInputOperation& request, detail::PromiseBase& waiter) noexcept;
    void expire(StandardInputOperation& request) noexcept;
    [[nodiscard]] bool take(StandardInputOperation& request) noexcept;
    void on_input() noexcept;
    void abandon(detail::Operation& operation) noexcept override;
    void on_loop_gone() noexcept override;

    detail::LoopCore* loop_;
    std::shared_ptr<detail::InputReader> reader_;
    StandardInputOperation* waiter_ = nullptr;
};

} // namespace tidemill
