// The part of a task's coroutine frame that does not depend on its result.
//
// Tasks form chains: a frame that awaits another is its continuation, and the first of a chain (the
// root) has an owner instead: a TaskScope, a Server, a combinator. Only the root knows the loop,
// through its owner, so there is no current loop in any global. Downwards each frame knows what it
// awaits, which is how a cancellation finds the operation at the end of the chain.
//
// The frame is found from the promise by std::coroutine_handle<PromiseBase>, although the promise
// is of a derived type. That holds because PromiseBase is its first base and no promise is aligned
// more strictly than PromiseBase (asserted in task.hpp).
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <tidemill/core/frame_pool.hpp>
#include <tidemill/core/operation.hpp>
#include <utility>

namespace tidemill::detail {

/// Whoever owns the root of a chain.
class TaskOwner {
public:
    explicit TaskOwner(LoopCore* loop) noexcept : loop_(loop) {}
    TaskOwner(const TaskOwner&) = delete;
    TaskOwner& operator=(const TaskOwner&) = delete;

    /// The chain has ended, or was doomed while it ran; none of its code runs now. Destroys it.
    virtual void child_stopped(PromiseBase& root) noexcept = 0;
    /// The root was left by an exception; child_stopped() follows.
    virtual void child_failed(std::exception_ptr exception) noexcept = 0;
    /// For the list of slow callbacks; a literal or a string that outlives the owner's tasks.
    [[nodiscard]] virtual const char* name() const noexcept { return "task"; }

    [[nodiscard]] LoopCore* loop() const noexcept { return loop_; }
    void loop_is_gone() noexcept { loop_ = nullptr; }

protected:
    ~TaskOwner() = default;
    LoopCore* loop_;
};

class PromiseBase {
public:
    PromiseBase(const PromiseBase&) = delete;
    PromiseBase& operator=(const PromiseBase&) = delete;

    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        release_frame(frame, size);
    }

    struct FinalAwaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
            frame.promise().finish();
        }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept;

    [[nodiscard]] std::coroutine_handle<PromiseBase> frame() noexcept {
        return std::coroutine_handle<PromiseBase>::from_promise(*this);
    }
    /// Destroys the frame, and with it the frames that it awaits.
    void destroy() noexcept { frame().destroy(); }

    [[nodiscard]] PromiseBase& root() noexcept {
        PromiseBase* promise = this;
        while (!promise->is_root_) promise = promise->continuation_;
        return *promise;
    }
    [[nodiscard]] TaskOwner& owner() noexcept { return *root().owner_; }
    [[nodiscard]] LoopCore* loop() noexcept { return owner().loop(); }

    /// Starts this frame as one that `parent` awaits; true if the parent has to suspend.
    [[nodiscard]] bool start_under(PromiseBase& parent) noexcept;
    /// Starts this frame as the root of a chain; it may have stopped when this returns.
    void start_root(TaskOwner& owner) noexcept;
    /// The one place where the loop continues a chain: runs it until it suspends again, then looks
    /// whether it has ended or was doomed meanwhile.
    void resume() noexcept;
    /// The same, inlined, for who knows the loop: core/resume.hpp.
    void resume_on(LoopCore& loop) noexcept;
    void resume_in_dispatch(LoopCore& loop);
    /// What follows when the chain's code has run and is suspended again.
    void after_run(LoopCore& loop) noexcept;
    /// For a chain whose code runs at this moment: `heir` is its owner from now on, and is told
    /// that it has stopped as soon as it suspends.
    void doom(TaskOwner& heir) noexcept {
        is_doomed_ = true;
        owner_ = &heir;
    }
    /// Ends what the chain waits for as cancelled, or else the next wait that it begins.
    void cancel_chain() noexcept;
    /// For park(): true, once, if a cancellation found nothing to end before.
    [[nodiscard]] bool take_pending_cancel() noexcept {
        return std::exchange(root().cancel_is_pending_, false);
    }

    [[nodiscard]] bool has_failed() const noexcept { return has_exception_; }
    /// The code of this frame has ended, with a result or by an exception.
    [[nodiscard]] bool has_finished() const noexcept { return has_finished_; }
    [[nodiscard]] bool has_value() const noexcept { return has_value_; }
    [[nodiscard]] bool is_running() const noexcept { return is_running_; }
    void set_awaited(Operation* operation) noexcept { awaited_ = operation; }
    /// The operation at the end of the chain; only while it does not run.
    [[nodiscard]] Operation* awaited_operation() noexcept;

protected:
    PromiseBase() noexcept : continuation_(nullptr), links_{nullptr, nullptr} {}
    ~PromiseBase() {
        if (has_exception_) exception_.~exception_ptr();
    }
    void rethrow_if_failed() const {
        if (has_exception_) std::rethrow_exception(exception_);
    }

private:
    friend class RootList;
    void finish() noexcept;
    void settle() noexcept;
    void awaits_nothing() noexcept {
        awaited_ = nullptr;
        awaits_child_ = false;
    }

    union {
        PromiseBase* continuation_;
        TaskOwner* owner_;
    };
    struct Links {
        PromiseBase* next;
        PromiseBase* previous;
    };
    union { // a root reports its exception to its owner, so the two never meet
        Links links_;
        std::exception_ptr exception_;
    };
    void* awaited_ = nullptr; ///< an Operation, or the PromiseBase of an awaited task
    bool awaits_child_ = false;
    bool is_root_ = false;
    bool is_running_ = false;
    bool is_doomed_ = false;
    bool has_finished_ = false;
    bool parent_waits_ = false;
    bool has_exception_ = false;
    bool cancel_is_pending_ = false;

protected:
    bool has_value_ = false;
};

/// The roots of one owner; insertion and removal in constant time, no allocation.
class RootList {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] PromiseBase* first() const noexcept { return first_; }
    [[nodiscard]] static PromiseBase* next(PromiseBase& root) noexcept { return root.links_.next; }
    void add(PromiseBase& root) noexcept;
    void remove(PromiseBase& root) noexcept;

private:
    PromiseBase* first_ = nullptr;
};

} // namespace tidemill::detail
