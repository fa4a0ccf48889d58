// The inside of an EventLoop: the turn, the table of sources, time, budgets.
//
// Sources live in slots; a token names a slot and how often it has been reused, so an event for a
// source that went away in the same turn finds another generation and is dropped.
#pragma once

#include "core/chunk_pool.hpp"
#include "core/deferred.hpp"
#include "core/gathering.hpp"
#include "core/inbox.hpp"
#include "core/loop_extension.hpp"
#include "core/loop_host.hpp"
#include "core/selector.hpp"
#include "core/sockets.hpp"
#include "core/timer_wheel.hpp"
#include <array>
#include <exception>
#include <limits>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/inline.hpp>
#include <tidemill/core/loop_member.hpp>
#include <vector>

namespace tidemill::detail {

/// The seams, for tests that replace one.
struct Seams {
    std::unique_ptr<Selector> selector; ///< null: chosen by the options
    Sockets* sockets = nullptr;         ///< null: the platform's own
};

class LoopCore final : public TaskOwner {
public:
    LoopCore(const LoopOptions& options, Seams seams);
    ~LoopCore();

    void run();
    void run_once(Duration max_wait);
    /// Heeds no stop.
    void run_until(const bool& has_ended);
    /// Misuse unless this is the loop's thread, the loop does not run, and it is nobody's guest.
    void check_can_run() const noexcept;
    /// Marks the loop as running for a scope; nesting is misuse.
    class RunGuard;
    /// Marks the loop as in use while user code runs that was not called by a turn.
    class UseGuard;

    // Guests of another loop; loop_guest.cpp
    /// How long the loop may be left alone; negative: until a socket or another thread has news,
    /// which from here on wakes the selector.
    [[nodiscard]] Duration time_left_alone() noexcept;
    /// From here on `host` calls guest_turn(), and nobody else may run the loop.
    void become_guest(LoopHost& host) noexcept;
    /// Ends that; what is watched moves to `selector`. On failure nothing has changed.
    PackedError end_guest(std::unique_ptr<Selector> selector);
    /// The same, for a loop that is about to be destroyed.
    void forget_host() noexcept { host_ = nullptr; }
    /// A turn that does not wait. Throws as run_once() does.
    void guest_turn();
    /// True as long as something may come in that this loop has to see to.
    [[nodiscard]] bool expects_news() const noexcept {
        return counters_.open_sockets > 0 || awaited_threads_ > 0;
    }
    void work_came_up() noexcept {
        if (host_ != nullptr && !is_running_) [[unlikely]]
            host_->work_came_up();
    }
    /// How many tasks wait for a thread's answer: one more, or one less.
    void await_thread() noexcept { ++awaited_threads_; }
    void thread_answered() noexcept { --awaited_threads_; }

    // Sources
    [[nodiscard]] std::uint32_t attach(Source& source);
    void detach(std::uint32_t slot) noexcept;
    /// Puts another source into a slot whose socket changes hands.
    void replace(std::uint32_t slot, Source& source) noexcept { slots_[slot].source = &source; }
    /// Changes what the selector watches for this slot; on failure `known` is unchanged.
    PackedError watch(std::uint32_t slot, NativeSocket socket, Interest& known, Interest wanted);
    /// Asks the selector to report once more what is there.
    PackedError renew(std::uint32_t slot, NativeSocket socket, Interest known);
    /// To be told before a socket of this loop closes.
    void closing(std::uint32_t slot, NativeSocket socket, Interest known, bool sole_owner) noexcept;
    /// This source was refused a lease: on_leases_returned() follows when there is room.
    void wants_leases(std::uint32_t slot) noexcept;

    /// A descriptor of this loop was closed: listeners that had none left try again.
    void descriptor_freed() noexcept {
        if (extension(ExtensionSlot::descriptor_relief) != nullptr) [[unlikely]]
            extension(ExtensionSlot::descriptor_relief)->on_descriptor_freed();
    }

    [[nodiscard]] Token token(std::uint32_t slot) const noexcept {
        return {slot, slots_[slot].generation};
    }
    /// The source that the token names, or null if it is gone.
    [[nodiscard]] Source* find(Token token) noexcept;

    // Time
    [[nodiscard]] std::int64_t now_ns() const noexcept { return now_ns_; }
    /// The moment `timeout_ns` from now; "now" is not older than a millisecond or a clock tick.
    [[nodiscard]] std::int64_t moment_after(std::int64_t timeout_ns) noexcept {
        seen_coarse_ns_ = coarse_now_ns();
        if (seen_coarse_ns_ - coarse_ns_ >= stale_ns) [[unlikely]]
            refresh_now();
        constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max();
        return timeout_ns > latest - now_ns_ ? latest : now_ns_ + timeout_ns;
    }
    [[nodiscard]] TimerWheel& wheel() noexcept { return wheel_; }

    // Budget of the running task
    /// What a task may do in one turn. An operation is charged when it has been done, so both may
    /// fall below zero.
    struct Share {
        std::int64_t operations;
        std::int64_t bytes;
    };
    void begin_run() noexcept { left_ = share_; }
    /// Charges an operation that completes without suspending. Once the budget is spent, such an
    /// operation suspends on the ready list until the next turn.
    void charge(std::size_t bytes) noexcept {
        --left_.operations;
        left_.bytes -= static_cast<std::int64_t>(bytes);
    }
    /// The same for many at once.
    void charge(std::size_t operations, std::size_t bytes) noexcept {
        left_.operations -= static_cast<std::int64_t>(operations);
        left_.bytes -= static_cast<std::int64_t>(bytes);
    }
    /// Charges an operation that has completed, and tells whether it may go on at once. If not, it
    /// is not charged: complete() does that and makes it wait.
    [[nodiscard]] bool has_budget_after(std::size_t bytes) noexcept {
        const std::int64_t operations = left_.operations - 1;
        const std::int64_t left_bytes = left_.bytes - static_cast<std::int64_t>(bytes);
        if (operations <= 0 || left_bytes <= 0) [[unlikely]]
            return false;
        left_ = {operations, left_bytes};
        return true;
    }
    [[nodiscard]] bool has_budget() const noexcept {
        return left_.operations > 0 && left_.bytes > 0;
    }

    [[nodiscard]] ReadyList& ready() noexcept { return ready_; }
    void defer(Deferred& work);
    /// `work` is flushed before the loop waits the next time; again if it was asked for already.
    void flush_later(Gathering& work) noexcept;
    /// Flushes everybody now.
    void flush_gathered() noexcept {
        if (gathering_.next != &gathering_) [[unlikely]]
            run_flushes();
    }
    [[nodiscard]] ChunkPool& chunks() noexcept { return chunks_; }
    [[nodiscard]] Sockets& sockets() noexcept { return sockets_; }
    [[nodiscard]] Selector& selector() noexcept { return *selector_; }
    [[nodiscard]] Inbox& inbox() noexcept { return *inbox_; }
    [[nodiscard]] LoopCounters& counters() noexcept { return counters_; }
    /// How many exceptions unwind around the loop, for whatever a turn makes; to ask the runtime
    /// for each of them costs more than the rest of it.
    [[nodiscard]] std::uint8_t exceptions_around() const noexcept { return exceptions_around_; }
    [[nodiscard]] LoopCounters counted() const;
    [[nodiscard]] std::unique_ptr<LoopExtension>& extension(ExtensionSlot slot) noexcept {
        return extensions_[static_cast<std::size_t>(slot)];
    }

    [[nodiscard]] const LoopOptions& options() const noexcept { return options_; }
    void add_member(LoopMember& member) noexcept;
    void remove_member(LoopMember& member) noexcept;
    /// For callbacks that may throw: rethrown by the turn's end, one a turn.
    void keep_exception(std::exception_ptr exception) noexcept;
    /// Notices whether the callback that just ended was a long one; for other callbacks than the
    /// resumption of a task, which is noticed where that happens.
    void after_callback(const char* name) noexcept {
        if (const std::int64_t took_ns = took_callback()) [[unlikely]]
            note_duration(took_ns, name);
    }
    /// The chain that a source resumes as the last thing in its on_readable().
    void set_dispatched(PromiseBase& chain) noexcept { dispatched_ = &chain; }
    /// After the code of `chain`, which is a root and still there.
    void after_run(TaskOwner& owner) noexcept {
        if (const std::int64_t took_ns = took_callback()) [[unlikely]]
            note_duration(took_ns, owner.name());
    }
    void check_thread() const noexcept;

    // TaskOwner: the heir of chains that were doomed while their code ran.
    void child_stopped(PromiseBase& root) noexcept override { root.destroy(); }
    void child_failed(std::exception_ptr) noexcept override { ++counters_.failed_tasks; }

private:
    // There is one for each source, so every byte counts.
    struct Slot {
        Source* source = nullptr; ///< null: free
        std::uint32_t generation : 29 = 0;
        std::uint32_t interest : 3 = 0; ///< an Interest: what the selector knows
        union {
            std::uint32_t next_free = 0; ///< while it is free
            NativeSocket socket;         ///< while `interest` is not none
        };
    };
    static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
    static constexpr std::int64_t stale_ns = 1'000'000;

    void count_exceptions_around() noexcept {
        exceptions_around_ = static_cast<std::uint8_t>(std::uncaught_exceptions());
    }
    void turn(Duration max_wait, bool heeds_stop);
    [[nodiscard]] Duration time_to_wait(Duration max_wait) noexcept;
    [[nodiscard]] Duration time_to_next_work() noexcept;
    [[nodiscard]] std::size_t wait_for_events(Duration timeout, bool heeds_stop);
    std::size_t tolerate_failed_wait(const Error& error);
    void read_clock() noexcept;
    void dispatch_events(std::size_t count) noexcept;
    void dispatch(const Event& event) noexcept;
    [[nodiscard]] Source* find_now(Token token) noexcept;
    void on_stale_event(Token token) noexcept;
    [[nodiscard]] std::vector<Watched> all_watched() const;
    void run_ready() noexcept;
    void run_deferred() noexcept;
    void offer_leases() noexcept;
    TIDEMILL_COLD void offer_leases_to_all() noexcept;
    void run_flushes() noexcept;
    void end_gathering() noexcept;
    [[nodiscard]] std::int64_t coarse_now_ns() noexcept {
        return has_steady_clock_ ? steady_coarse_ns() : clock_.coarse_now().count();
    }
    TIDEMILL_COLD void refresh_now() noexcept;
    // A callback that has started an operation with a deadline has looked at the clock already,
    // most likely as the last thing it did; what it has seen is good enough here.
    [[nodiscard]] std::int64_t took_callback() noexcept {
        std::int64_t coarse_ns = std::exchange(seen_coarse_ns_, 0);
        if (coarse_ns == 0) coarse_ns = coarse_now_ns();
        return coarse_ns - std::exchange(callback_began_ns_, coarse_ns);
    }
    TIDEMILL_COLD void note_duration(std::int64_t took_ns, const char* name) noexcept;
    void rethrow_kept();

    // What every message touches comes first and lies together.
    std::vector<Slot> slots_;
    std::vector<Event> events_;
    Clock& clock_;
    Sockets& sockets_;
    std::int64_t now_ns_;
    std::int64_t coarse_ns_; ///< of the coarse clock, when now_ns_ was read
    std::int64_t callback_began_ns_ = 0;
    std::int64_t seen_coarse_ns_ = 0; ///< by the callback that runs now; 0: it has not looked
    const Share share_;               ///< of every task, in each turn
    Share left_;                      ///< of the running task
    PromiseBase* dispatched_ = nullptr;
    const bool has_steady_clock_; ///< the system's own, which is asked without a virtual call
    LoopCounters counters_;
    ChunkPool chunks_;
    ReadyList ready_;
    TimerWheel wheel_;
    std::unique_ptr<Selector> selector_;
    std::shared_ptr<Inbox> inbox_;
    const LoopOptions options_;
    std::uint32_t first_free_ = no_slot;
    GatheringPlace gathering_{&gathering_, &gathering_};
    std::vector<Deferred*> deferred_;
    std::vector<Deferred*> running_deferred_;
    std::vector<Token> wanting_leases_;
    LoopMember* members_ = nullptr;
    std::vector<std::exception_ptr> kept_exceptions_;
    unsigned failed_waits_ = 0; ///< in a row
    Token stale_{no_slot, 0};   ///< reported by a wait although its source was gone
    std::uint64_t stale_turn_ = 0;
    unsigned uses_ = 0; ///< guards of either kind
    std::uint8_t exceptions_around_ = 0;
    bool is_running_ = false;
    bool everybody_wants_leases_ = false; ///< some could not be noted in wanting_leases_
    LoopHost* host_ = nullptr;            ///< null: the loop runs by itself
    std::size_t awaited_threads_ = 0;
    std::array<std::unique_ptr<LoopExtension>, static_cast<std::size_t>(ExtensionSlot::count_)>
        extensions_;
};

class LoopCore::UseGuard {
public:
    explicit UseGuard(LoopCore& loop) noexcept : loop_(loop) { ++loop_.uses_; }
    ~UseGuard() { --loop_.uses_; }
    UseGuard(const UseGuard&) = delete;
    UseGuard& operator=(const UseGuard&) = delete;

private:
    LoopCore& loop_;
};

class LoopCore::RunGuard {
public:
    explicit RunGuard(LoopCore& loop) noexcept;
    ~RunGuard() { loop_.is_running_ = false; }
    RunGuard(const RunGuard&) = delete;
    RunGuard& operator=(const RunGuard&) = delete;

private:
    LoopCore& loop_;
    UseGuard in_use_;
};

} // namespace tidemill::detail
