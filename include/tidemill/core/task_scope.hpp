// TaskScope: the owner of tasks that run beside each other. There is no detached work.
//
// Two stops, never mixed. *Cancel* (`co_await scope.cancel_and_join()`) ends what the children wait
// for as `cancelled` and lets them run to their end. *Destroy* (`~TaskScope`, `clear()`) destroys
// their frames at once and waits for nothing; a child whose own code is running at that moment is
// destroyed as soon as it suspends.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/loop_member.hpp>
#include <tidemill/core/task.hpp>

namespace tidemill {

class TaskScope;

namespace detail {

/// Something that ends with a scope.
class ScopeLink {
public:
    virtual ~ScopeLink() = default;
    /// Null once the loop is gone.
    [[nodiscard]] static LoopCore* loop_of(const TaskScope& scope) noexcept;
    static void attach(TaskScope& scope, std::unique_ptr<ScopeLink> link) noexcept;

private:
    std::unique_ptr<ScopeLink> next_;
};

} // namespace detail

/// Waits until a scope has no children left. Made by TaskScope::join().
class [[nodiscard]] JoinOperation : public detail::Operation {
public:
    ~JoinOperation();
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<void> await_resume();

private:
    friend TaskScope;
    JoinOperation(TaskScope& scope, bool cancels) noexcept
        : Operation(detail::SuspensionPoint::join), scope_(&scope), cancels_(cancels) {}
    bool start(detail::PromiseBase& waiter) noexcept;

    TaskScope* scope_; ///< null once the scope is gone, or has been told to forget this
    bool cancels_;
};

/// Owns the tasks that it has spawned. Does not move. May outlive its loop, and may be destroyed
/// while it is joined. Thread: the loop's own.
class TaskScope final : private detail::TaskOwner,
                        private detail::OperationOwner,
                        private detail::LoopMember {
public:
    /// `name` stands for the scope's tasks in the list of slow callbacks; it must outlive them.
    explicit TaskScope(EventLoop& loop, const char* name = "task") noexcept;
    ~TaskScope();

    /// Starts a task at once, up to its first suspension. When the loop is gone the task is
    /// destroyed unstarted.
    void spawn(Task<void> task) noexcept;

    /// Starts `callable(args...)`, which must give a Task<void>. The callable and the arguments are
    /// moved into the frame, so that a capturing lambda is safe here (and only here).
    template <class Callable, class... Args>
    requires std::is_invocable_r_v < Task<void>, std::decay_t<Callable>
    &, std::decay_t<Args>... > void spawn(Callable&& callable, Args&&... args) {
        spawn(keep_alive<std::decay_t<Callable>, std::decay_t<Args>...>(
            std::forward<Callable>(callable), std::forward<Args>(args)...));
    }

    /// Waits until no child is left. Gives `cancelled` if the wait itself was cancelled, or if the
    /// scope was destroyed. Rethrows the first exception that left a child; exceptions that nobody
    /// joins are counted (LoopCounters::failed_tasks). At most one join() at a time.
    JoinOperation join() noexcept { return JoinOperation(*this, false); }
    /// cancel(), then join(): the orderly way to end.
    JoinOperation cancel_and_join() noexcept { return JoinOperation(*this, true); }

    /// Ends what each child waits for now (or else begins to wait for next) as `cancelled`. Nobody
    /// is resumed before the loop's next step. Later waits, of clean-up for example, go on.
    void cancel() noexcept;
    /// Destroys all children at once, innermost frames first. The children, and what they own, may
    /// call this and may destroy the scope.
    void clear() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    friend JoinOperation;
    friend detail::ScopeLink;

    template <class Callable, class... Args>
    static Task<void> keep_alive(Callable callable, Args... args) {
        co_await callable(std::move(args)...);
    }
    void child_stopped(detail::PromiseBase& root) noexcept override;
    void child_failed(std::exception_ptr exception) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return name_; }
    void abandon(detail::Operation& operation) noexcept override;
    void forget_joiner() noexcept;
    void finish_join() noexcept;
    void on_loop_gone() noexcept override { loop_is_gone(); }

    detail::RootList children_;
    std::size_t size_ = 0;
    const char* name_;
    JoinOperation* joiner_ = nullptr; ///< until it has been resumed, since it comes back here
    bool* destroyed_flag_ = nullptr;  ///< while clear() runs
    std::exception_ptr first_exception_;
    std::unique_ptr<detail::ScopeLink> links_;
};

} // namespace tidemill
