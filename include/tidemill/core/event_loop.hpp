// EventLoop: waits for sockets, timers and posted closures, and runs what they were waited for by.
//
// One turn: wait; read the clock; dispatch socket events; due timers; completed operations; posted
// closures. What a step adds to its own list waits for the next turn. docs/design.md tells why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tidemill/core/clock.hpp>
#include <tidemill/core/error.hpp>
#include <tidemill/core/function.hpp>
#include <tidemill/core/remote.hpp>
#include <tidemill/core/task.hpp>
#include <tidemill/core/watch.hpp>

namespace tidemill {

/// What a loop is made with. Every limit is per loop.
struct LoopOptions {
    /// Name of the selector: "epoll", "poll" or "select"; on Windows "iocp", "wsapoll" or "select";
    /// "uv" in programs that link tidemill::uv. Empty: the environment variable TIDEMILL_SELECTOR
    /// if it is set, else the best that works here.
    std::string selector;
    /// A replaced clock, borrowed for the life of the loop; null: the system's monotonic clock.
    Clock* clock = nullptr;
    /// Socket events taken in one turn; the rest is reported in the next.
    std::size_t events_per_turn = 1024;
    /// What a task may complete without suspending, each time it is resumed, before others have
    /// their turn: operations, and bytes moved by them.
    std::size_t operations_per_turn = 32;
    std::size_t bytes_per_turn = std::size_t{1} << 20;
    /// Received bytes that may be leased as chunks: a soft limit for the loop, one for each stream.
    std::size_t leased_bytes = std::size_t{64} << 20;
    std::size_t leased_bytes_per_stream = std::size_t{1} << 20;
    /// Output that streams of the loop have accepted and cannot send, as TLS streams do whose peers
    /// do not read. Beyond it a stream that has some accepts no more than that.
    std::size_t pending_output_bytes = std::size_t{64} << 20;
    /// Closed streams whose peer has not ended yet: how many may wait for it, for how long, and how
    /// many bytes of it are discarded meanwhile; beyond a limit they are aborted.
    std::size_t lingering_streams = 1024;
    Duration linger_timeout = std::chrono::seconds(5);
    std::size_t linger_bytes = std::size_t{1} << 20;
    /// Closures that may wait to be run; beyond it post() answers false. Those of the loop's own
    /// thread and those of all others are counted apart.
    std::size_t posted_closures = std::size_t{1} << 20;
    /// For run_blocking(): threads, started on demand, and functions that may wait for one.
    std::size_t blocking_threads = 4;
    std::size_t blocking_jobs = 1024;
    /// A callback that takes longer is counted as slow.
    Duration slow_callback = std::chrono::milliseconds(50);
};

/// What a loop has done so far.
struct LoopCounters {
    std::uint64_t turns = 0;
    std::uint64_t events = 0;          ///< socket events dispatched
    std::uint64_t bytes_received = 0;  ///< by sockets of this loop
    std::uint64_t bytes_sent = 0;      ///< by sockets of this loop
    std::uint64_t open_sockets = 0;    ///< now; in-memory streams and Signals count as well
    std::uint64_t leased_bytes = 0;    ///< in chunks, now
    std::uint64_t slow_callbacks = 0;  ///< that took longer than LoopOptions::slow_callback
    std::uint64_t lingering = 0;       ///< closed streams that still wait for their peer, now
    std::uint64_t linger_aborts = 0;   ///< of these, reset because a limit was reached
    std::uint64_t accept_errors = 0;   ///< connections that failed while they were accepted
    std::uint64_t accept_pauses = 0;   ///< listeners that stopped for want of descriptors or memory
    std::uint64_t failed_tasks = 0;    ///< exceptions that left a task and that nobody joined
    std::uint64_t failed_waits = 0;    ///< waits of the selector that the system refused
    std::uint64_t rejected_posts = 0;  ///< closures refused by post() and Remote
    Duration longest_callback{0};      ///< measured by the coarse clock
    std::string longest_callback_name; ///< of the scope, server or timer that ran it

    /// Times that the selector started over because the system went on reporting a closed socket,
    /// of which another process holds a copy.
    std::uint64_t selector_rebuilds = 0;
    /// Better selectors of the platform that could not be made when the loop was; selector_name()
    /// tells which one took their place.
    std::uint64_t selector_fallbacks = 0;
};

/// Waits for what its sockets, timers and tasks wait for, and runs them. Does not move.
///
/// Thread: a loop belongs to the thread that makes it (checked where it runs and where tasks and
/// timers start); only stop() and post() may be called on others, and a Remote may be used there.
/// Lifetime: whatever was made with a loop may outlive it.
class EventLoop {
public:
    /// Throws std::system_error if the selector is unknown or cannot be made (descriptors, memory).
    explicit EventLoop(const LoopOptions& options = {});
    /// Detaches every stream, timer and waiter and resumes nobody; their own destructors do nothing
    /// afterwards. Not to be called while the loop runs.
    ~EventLoop();
    /// For the library's own use: a loop over chosen seams.
    explicit EventLoop(std::unique_ptr<detail::LoopCore> core) noexcept;
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Runs until stop(). Suspended tasks stay suspended; a later run() goes on. An exception that
    /// leaves a posted closure or a timer leaves run(), and the loop can be run again. Throws
    /// std::system_error when the selector has failed 64 times in a row. Not from inside the loop
    /// (checked), which holds for run_once() and run(task) as well.
    void run();
    /// Runs one turn that waits for at most `max_wait` (negative: without limit).
    void run_once(Duration max_wait);
    /// Runs until `task` ends and gives its result; throws what left it. stop() does not end this:
    /// the request is kept for the next run().
    template <class T> T run(Task<T> task);

    /// Makes run() return at the end of its turn; also if run() has not been called yet. Any
    /// thread, but the loop must not be destroyed meanwhile (see remote()).
    void stop() noexcept;
    /// Runs `closure` on the loop's thread, in this turn or the next and never inside this call;
    /// closures of one thread keep their order. False: refused, because
    /// LoopOptions::posted_closures are waiting already. Throws std::bad_alloc. Any thread, but the
    /// loop must not be destroyed meanwhile (see remote()).
    [[nodiscard]] bool post(Function closure);
    /// A mailbox for other threads that may outlive the loop.
    [[nodiscard]] Remote remote() const noexcept;

    /// Waits until a socket that another library owns is ready for `interest`, or has failed; the
    /// result is a Result<Interest>, the directions of `interest` that are ready. The socket is
    /// never closed or read by this, and is watched for as long as this waits only; on the selector
    /// "uv" it must not be in the same libuv loop already. No default deadline.
    /// Errors: `Errc::deadline_expired`, `Errc::cancelled`, `std::errc::file_exists` (it is being
    /// watched), `std::errc::operation_not_permitted` (epoll and uv: a regular file),
    /// `std::errc::bad_file_descriptor`, `Errc::selector_limit`, `std::errc::not_supported`
    /// (Windows). To close the socket meanwhile is misuse that nobody can notice: the wait may then
    /// end by its deadline only, so end it first, by cancelling or destroying its task.
    [[nodiscard]] WatchOperation watch(NativeSocket socket, Interest interest,
                                       Deadline deadline = {}) noexcept {
        return {*core_, socket, interest, deadline};
    }

    // For programs whose own loop waits, in poll() or in a toolkit: they wait for native_handle()
    // for at most next_timeout(), and then call run_once(Duration::zero()).

    /// A descriptor that is readable when the loop has something to do; `invalid_socket` if the
    /// selector has none, which is every one but "epoll". It belongs to the loop. Ask anew before
    /// each wait: it may change.
    [[nodiscard]] NativeSocket native_handle() const noexcept;
    /// How long the loop may be left alone, at most the time to its next timer; negative if nothing
    /// but native_handle() ends that.
    /// To be asked right before the wait, since from here on posts of other threads make the
    /// handle readable. Round it up to the unit of your wait. Thread: the loop's own.
    [[nodiscard]] Duration next_timeout() noexcept;

    [[nodiscard]] LoopCounters counters() const;
    [[nodiscard]] const char* selector_name() const noexcept;
    /// The time of the current turn, by the loop's clock; newer if a long callback has begun an
    /// operation with a deadline since.
    [[nodiscard]] Duration now() const noexcept;

    /// For the library's own use.
    [[nodiscard]] detail::LoopCore& core() const noexcept { return *core_; }

private:
    std::unique_ptr<detail::LoopCore> core_;
};

namespace detail {

/// The chain that EventLoop::run(task) drives; lives on its stack.
class MainTask final : private TaskOwner {
public:
    MainTask(EventLoop& loop, PromiseBase& task) noexcept;
    ~MainTask();
    MainTask(const MainTask&) = delete;
    MainTask& operator=(const MainTask&) = delete;
    /// Turns the loop until the chain has ended; throws what left it.
    void run();

private:
    void child_stopped(PromiseBase& root) noexcept override;
    void child_failed(std::exception_ptr exception) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return "run"; }

    PromiseBase& task_;
    bool has_ended_ = false;
    std::exception_ptr exception_;
};

} // namespace detail

template <class T> T EventLoop::run(Task<T> task) {
    detail::TaskPromise<T>* promise = std::move(task).release();
    detail::MainTask chain(*this, *promise);
    chain.run();
    return promise->take();
}

/// Runs `loop` until `task` ends; the same as loop.run(task).
template <class T> T block_on(EventLoop& loop, Task<T> task) { return loop.run(std::move(task)); }

} // namespace tidemill
