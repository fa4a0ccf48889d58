// TaskScope: the owner of tasks that run beside each other. There is no detached work.
//
// Two stops, never mixed. *Cancel* (`co_await scope.cancel_and_join()`) ends what the children wait
// for as `cancelled` and lets them run to their end. *Destroy* (`~TaskScope`, `clear()`) destroys
// their frames at once and waits for nothing; a child whose own code is running at that moment is
// destroyed as soon as it suspends.
#pragma once

#include <cstddef>
#include <exception>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/loop_member.hpp>
#include <tidemill/core/task.hpp>

namespace tidemill {

class TaskScope;

/// Waits until a scope has no children left. Made by TaskScope::join().
class [[nodiscard]] JoinOperation : public detail::Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<void> await_resume();

private:
    friend TaskScope;
    JoinOperation(TaskScope& scope, bool cancels) noexcept
        : Operation(detail::SuspensionPoint::join), scope_(scope), cancels_(cancels) {}
    bool start(detail::PromiseBase& waiter) noexcept;

    TaskScope& scope_;
    bool cancels_;
};

class TaskScope final : private detail::TaskOwner,
                        private detail::OperationOwner,
                        private detail::LoopMember {
public:
    /// `name` stands for the scope's tasks in the list of slow callbacks; it must outlive them.
    explicit TaskScope(EventLoop& loop, const char* name = "task") noexcept;
    ~TaskScope();

    /// Starts a task at once, up to its first suspension. When the loop is gone, or after clear()
    /// from one of its own children, the task is destroyed unstarted.
    void spawn(Task<void> task) noexcept;

    /// Starts `callable(args...)`, which must give a Task<void>. The callable and the arguments are
    /// moved into the frame, so that a capturing lambda is safe here (and only here).
    template <class Callable, class... Args>
    requires std::is_invocable_r_v < Task<void>, std::decay_t<Callable>
    &, std::decay_t<Args>... > void spawn(Callable&& callable, Args&&... args) {
        spawn(keep_alive<std::decay_t<Callable>, std::decay_t<Args>...>(
            std::forward<Callable>(callable), std::forward<Args>(args)...));
    }

    /// Waits until no child is left. Gives `cancelled` if the wait itself was cancelled. Rethrows
    /// the first exception that left a child. At most one join() at a time.
    JoinOperation join() noexcept { return JoinOperation(*this, false); }
    /// cancel(), then join(): the orderly way to end.
    JoinOperation cancel_and_join() noexcept { return JoinOperation(*this, true); }

    /// Ends what each child waits for now (or else begins to wait for next) as `cancelled`. Nobody
    /// is resumed before the loop's next step. Later waits, of clean-up for example, go on.
    void cancel() noexcept;
    /// Destroys all children at once, innermost frames first.
    void clear() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    friend JoinOperation;

    template <class Callable, class... Args>
    static Task<void> keep_alive(Callable callable, Args... args) {
        co_await callable(std::move(args)...);
    }
    void child_stopped(detail::PromiseBase& root) noexcept override;
    void child_failed(std::exception_ptr exception) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return name_; }
    void abandon(detail::Operation& operation) noexcept override;
    void on_loop_gone() noexcept override { loop_is_gone(); }

    detail::RootList children_;
    std::size_t size_ = 0;
    const char* name_;
    JoinOperation* joiner_ = nullptr;
    std::exception_ptr first_exception_;
};

} // namespace tidemill
