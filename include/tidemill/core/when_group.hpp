// The inside of when_all and when_any: the operation that owns the children and waits for them.
//
// The children are roots of chains of their own. Nothing completes before every child has stopped,
// so no child is left behind that uses what the waiting task has destroyed. For the same reason a
// loser is not merely dropped: it is cancelled and runs to its end.
#pragma once

#include <exception>
#include <span>
#include <tidemill/core/loop_member.hpp>
#include <tidemill/core/task.hpp>
#include <type_traits>
#include <variant>

namespace tidemill::detail {

/// What is kept of a result: nothing of void.
template <class T> using Kept = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

class WhenGroup : public Operation, private TaskOwner, private OperationOwner, private LoopMember {
public:
    enum class Goal : std::uint8_t { all, first };

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    /// Rethrows what left the child that decides.
    void await_resume() const {
        if (exception_ != nullptr) std::rethrow_exception(exception_);
    }
    [[nodiscard]] std::size_t winner() const noexcept { return winner_; }

protected:
    WhenGroup(std::span<PromiseBase*> children, Goal goal) noexcept
        : Operation(SuspensionPoint::when), TaskOwner(nullptr), children_(children), goal_(goal) {}
    ~WhenGroup() = default;
    /// Destroys the children; to be called by the destructor of whoever keeps the array.
    void destroy_children() noexcept;

private:
    bool start(PromiseBase& waiter) noexcept;
    void cancel_children() noexcept;
    void child_stopped(PromiseBase& root) noexcept override;
    void child_failed(std::exception_ptr exception) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return "when"; }
    void abandon(Operation&) noexcept override {}
    void cancel_operation(Operation&) noexcept override { cancel_children(); }
    void on_loop_gone() noexcept override { loop_is_gone(); }

    std::span<PromiseBase*> children_;
    std::size_t started_ = 0;
    std::size_t running_ = 0;
    std::size_t winner_ = 0; ///< the first child that stopped
    bool has_winner_ = false;
    bool is_decided_ = false; ///< children are started no more
    Goal goal_;
    std::exception_ptr exception_;
};

} // namespace tidemill::detail
