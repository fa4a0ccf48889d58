// What a coroutine waits for: an object in the waiting frame, so that waiting allocates nothing.
//
// An operation is parked with an owner (a stream, an event, a timer), is finished by it, and is
// resumed by the loop; or its frame is destroyed first, and it takes itself off wherever it is
// linked. Owner and list links share their bytes, since an operation is never in both places.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <tidemill/core/clock.hpp>
#include <tidemill/core/inline.hpp>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::detail {

class LoopCore;
class PromiseBase;
class Operation;

/// Every place where a coroutine can be suspended. The destruction tests walk this list: a new kind
/// of operation needs an entry here, and the entry needs its case there.
enum class SuspensionPoint : std::uint8_t {
    stream_read,
    stream_read_into,
    stream_write,
    stream_shutdown,
    stream_close,
    stream_acknowledged,
    tcp_accept,
    tcp_connect,
    udp_receive,
    udp_send,
    udp_receive_many,
    udp_send_many,
    drain,
    sleep,
    yield,
    event,
    semaphore,
    channel_send,
    channel_receive,
    join,
    when,
    blocking,
    signals,
    standard_input,
    watch,
    tls_handshake,
    tls_flush,
    count_
};

/// Whoever an operation is parked with.
class OperationOwner {
public:
    /// The waiting frame is being destroyed, or the wait is cancelled: forget the operation.
    virtual void abandon(Operation& operation) noexcept = 0;
    /// Ends the wait as cancelled. The waiter goes on the ready list, it is not resumed here.
    virtual void cancel_operation(Operation& operation) noexcept;

protected:
    ~OperationOwner() = default;
};

class Operation {
public:
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    [[nodiscard]] bool is_parked() const noexcept { return state_ == State::parked; }
    [[nodiscard]] SuspensionPoint point() const noexcept { return point_; }
    [[nodiscard]] PromiseBase& waiter() const noexcept { return *waiter_; }

    /// How the operation has ended so far.
    [[nodiscard]] PackedError error() const noexcept { return error_; }
    void set_error(PackedError error) noexcept { error_ = error; }
    /// Valid until the operation is suspended: afterwards the bytes serve as a list link.
    [[nodiscard]] Deadline deadline() const noexcept { return deadline_; }

    /// Suspends `waiter` on this operation, with `owner` responsible for finishing it. If the task
    /// was cancelled meanwhile the operation is cancelled here, through the owner, which must
    /// therefore know it already.
    void park(OperationOwner& owner, PromiseBase& waiter) noexcept;
    /// The same, inlined: core/resume.hpp.
    void park_here(OperationOwner& owner, PromiseBase& waiter) noexcept;
    /// Ends the wait; the waiter is resumed by the loop's ready list, in this or the next turn.
    void finish_later(PackedError error) noexcept;
    /// Ends the wait and resumes the waiter here. For the loop's dispatch only: when this returns,
    /// the operation, its frame and its owner may be gone.
    void finish_now(PackedError error) noexcept;
    /// The same, inlined, for who knows the loop: core/resume.hpp.
    void finish_on(LoopCore& loop, PackedError error) noexcept;
    /// Resumes the waiter of an operation without error as the last thing that a source does when
    /// the loop tells it that its socket is readable. The loop does the rest: core/resume.hpp.
    void finish_in_dispatch(LoopCore& loop);
    /// Suspends `waiter` until the loop's ready list comes to it; the operation is complete.
    void yield(PromiseBase& waiter, PackedError error = {}) noexcept;
    /// Ends an operation that need not wait. True, and suspended until the next turn, if with it
    /// the task has had its share of this one.
    [[nodiscard]] bool complete(PromiseBase& waiter, PackedError error = {}) noexcept;
    /// Ends the wait without ever resuming anybody: the loop is gone.
    void forget() noexcept { state_ = State::idle; }
    /// Cancels the wait if it has not ended yet; false if it has.
    bool try_cancel() noexcept;

protected:
    explicit Operation(SuspensionPoint point, Deadline deadline = {}) noexcept
        : next_(nullptr), deadline_(deadline), point_(point) {}
    ~Operation() { leave(); }
    /// What the destructor does. For derived operations whose owner uses them as what they are when
    /// it is told: it must hear before they are half destroyed.
    void leave() noexcept {
        if (state_ != State::idle) [[unlikely]]
            take_off();
    }

    /// For operations that know their owner before they are parked.
    void set_owner(OperationOwner& owner) noexcept { owner_ = &owner; }
    [[nodiscard]] OperationOwner& owner() const noexcept { return *owner_; }

private:
    friend class ReadyList;
    enum class State : std::uint8_t { idle, parked, ready };

    TIDEMILL_COLD void take_off() noexcept;

    union {
        Operation* next_;
        OperationOwner* owner_;
    };
    union {
        Operation* previous_;
        Deadline deadline_;
    };
    PromiseBase* waiter_; ///< once it has been parked
    PackedError error_;
    State state_ = State::idle;
    SuspensionPoint point_;

protected:
    std::uint16_t extra_ = 0; ///< for the derived operation
};

static_assert(sizeof(Operation) == 32);

/// Completed operations whose waiters the loop resumes in its step 7, in order of completion.
/// A ring through its own head, so that an operation can leave without knowing the list.
class ReadyList {
public:
    ReadyList() noexcept;
    ReadyList(const ReadyList&) = delete;
    ReadyList& operator=(const ReadyList&) = delete;
    ~ReadyList() { forget_all(); }

    [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
    void push(Operation& operation) noexcept;
    /// Takes the first operation off; the list must not be empty.
    Operation& pop() noexcept;
    /// Moves everything to the end of `other`.
    void move_to(ReadyList& other) noexcept;
    void forget_all() noexcept;

private:
    struct Head : Operation {
        Head() noexcept : Operation(SuspensionPoint::yield) {}
    };
    Head head_;
};

/// Awaitables accept only the library's own coroutines: these carry what resuming, cancelling and
/// destroying need.
template <class Promise>
concept TaskPromiseType = std::derived_from<Promise, PromiseBase>;

} // namespace tidemill::detail
