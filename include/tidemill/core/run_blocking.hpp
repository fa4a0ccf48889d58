// run_blocking: a function that blocks runs on a thread of the loop's pool while a task waits for
// it.
//
// The function and its result live in a job that the waiting operation and the thread share. Only
// the loop's thread touches the operation, and the job forgets it as soon as it goes; so a function
// whose waiter is gone runs on, and its result is dropped with nothing left to point to.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/timed_operation.hpp>
#include <type_traits>
#include <utility>
#include <variant>

namespace tidemill {
namespace detail {

class BlockingJob : public OperationOwner {
public:
    virtual ~BlockingJob() = default;
    /// On a thread of the pool: calls the function and keeps its result, but not the function.
    virtual void run() noexcept = 0;
    /// Nobody waits any more. Thread: any.
    [[nodiscard]] bool is_abandoned() const noexcept { return is_abandoned_.load(); }
    /// Ends the wait, unless it has ended already.
    void deliver() noexcept;

private:
    friend class BlockingWait;
    void abandon(Operation& operation) noexcept override;

    Operation* waiter_ = nullptr; ///< touched by the loop's thread only
    std::atomic<bool> is_abandoned_{false};
};

class BlockingWait : public TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise> bool await_suspend(std::coroutine_handle<Promise> frame) {
        return start(frame.promise());
    }

protected:
    BlockingWait(std::shared_ptr<BlockingJob> job, Deadline deadline) noexcept
        : TimedOperation(SuspensionPoint::blocking, deadline), job_(std::move(job)) {}
    ~BlockingWait() { leave(); }
    [[nodiscard]] BlockingJob& job() const noexcept { return *job_; }

private:
    bool start(PromiseBase& task);
    std::shared_ptr<BlockingJob> job_;
};

/// A function that gives a Result already is not wrapped once more.
template <class T> struct BlockingAnswer { using Type = Result<T>; };
template <class T> struct BlockingAnswer<Result<T>> { using Type = Result<T>; };

template <class Function> class BlockingJobOf final : public BlockingJob {
public:
    using Value = std::invoke_result_t<Function&>;
    using Answer = typename BlockingAnswer<Value>::Type;

    explicit BlockingJobOf(Function&& function) : function_(std::move(function)) {}
    void run() noexcept override {
        try {
            if constexpr (std::is_void_v<Value>) {
                (*function_)();
            } else {
                value_.emplace((*function_)());
            }
        } catch (...) {
            exception_ = std::current_exception();
        }
        function_.reset();
    }
    [[nodiscard]] Answer take() {
        if (exception_ != nullptr) std::rethrow_exception(exception_);
        if constexpr (!std::is_void_v<Value>) {
            return *std::move(value_);
        } else {
            return {};
        }
    }

private:
    std::optional<Function> function_;
    std::optional<std::conditional_t<std::is_void_v<Value>, std::monostate, Value>> value_;
    std::exception_ptr exception_;
};

} // namespace detail

/// Made by run_blocking().
template <class Function> class [[nodiscard]] BlockingOperation final
    : public detail::BlockingWait {
public:
    using Job = detail::BlockingJobOf<Function>;

    BlockingOperation(Function&& function, Deadline deadline)
        : BlockingWait(std::make_shared<Job>(std::move(function)), deadline) {}
    typename Job::Answer await_resume() {
        if (error()) return failure(error().code());
        return static_cast<Job&>(job()).take();
    }
};

/// Calls `function()` on another thread and gives a Result of what it returns; what it throws is
/// thrown to the waiting task. A lambda with captures gets a name first, since GCC 12 destroys such
/// a temporary twice inside a co_await expression.
///
/// A wait that is cancelled, times out or is destroyed leaves a function that has begun running on
/// and drops its result, possibly on the other thread; one that has not begun is never called.
/// `~EventLoop` drops the functions that have not begun and waits for those that have: a thread
/// that outlived the loop would run on through the end of the program. So give a function that may
/// take long a limit of its own. Errors: `Errc::limit_reached` (LoopOptions::blocking_jobs are
/// queued), `Errc::deadline_expired`, `Errc::cancelled`; std::system_error is thrown if not even
/// one thread can be started.
template <class Function> [[nodiscard]] BlockingOperation<std::decay_t<Function>>
run_blocking(Function&& function, Deadline deadline = {}) {
    return {std::decay_t<Function>(std::forward<Function>(function)), deadline};
}

} // namespace tidemill
