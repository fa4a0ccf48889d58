// LoopPool: several event loops, one for each core, each on a thread of its own.
//
// The loops share nothing. A stream, a task or a chunk belongs to the loop that it was made with,
// and never changes it; another loop is reached by posting to it. So what runs on one loop needs no
// lock, and as much as a program wants to share it has to guard itself.
#pragma once

#include <cstddef>
#include <memory>
#include <tidemill/core/event.hpp>
#include <tidemill/core/event_loop.hpp>
#include <type_traits>

namespace tidemill {

class LoopPool;

struct LoopPoolOptions {
    /// How many; 0: one for each core that this process may use. At most LoopPool::most_loops.
    std::size_t loops = 0;
    /// Of each loop. A replaced clock is asked by all of them at once.
    LoopOptions loop;
};

/// One loop of a pool, as its application sees it. Does not move. Thread: the loop's own.
class PoolLoop {
public:
    PoolLoop(const PoolLoop&) = delete;
    PoolLoop& operator=(const PoolLoop&) = delete;

    [[nodiscard]] EventLoop& loop() const noexcept { return *loop_; }
    [[nodiscard]] LoopPool& pool() const noexcept { return pool_; }
    /// From 0 to LoopPool::size() - 1.
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    /// Waits until the pool is asked to stop; the result is a Result<void>. No default deadline.
    /// Errors: `Errc::deadline_expired`, `Errc::cancelled`.
    [[nodiscard]] EventWait stop_requested(Deadline deadline = {}) noexcept {
        return stop_.wait(deadline);
    }
    [[nodiscard]] bool is_stop_requested() const noexcept { return stop_.is_set(); }

private:
    friend LoopPool;
    PoolLoop(LoopPool& pool, std::size_t index) noexcept : pool_(pool), index_(index) {}

    LoopPool& pool_;
    std::size_t index_;
    EventLoop* loop_ = nullptr; ///< on the stack of its thread
    Event start_;
    Event stop_;
};

/// Makes its loops at once, and runs an application on each of them. Does not move.
///
/// Thread: made, run and destroyed by one thread, which is none of the loops'; what says "any
/// thread" may be called by all for as long as the pool lives.
class LoopPool {
public:
    static constexpr std::size_t most_loops = 1024;

    /// Starts the threads and waits until each has made its loop. Throws std::system_error if one
    /// cannot be made or a thread cannot be started; none is left then.
    explicit LoopPool(const LoopPoolOptions& options = {});
    /// Ends loops that were never run, and waits for their threads.
    ~LoopPool();
    LoopPool(const LoopPool&) = delete;
    LoopPool& operator=(const LoopPool&) = delete;

    /// Runs `app(here)` as the main task of each loop, and returns when all of them have ended. It
    /// takes a PoolLoop& and gives a Task<void>; one object serves all loops at once. A loop whose
    /// task has ended is gone, with all that is left on it. Once only.
    ///
    /// What leaves the task of a loop as an exception, or a closure or timer there, ends that loop
    /// and asks the others to stop; when they have, the first exception is thrown here.
    template <class App>
    requires std::is_invocable_r_v < Task<void>,
    const App&, PoolLoop& > void run(const App& app) {
        run_all(
            [](const void* context, PoolLoop& here) -> Task<void> {
                return (*static_cast<const App*>(context))(here);
            },
            std::addressof(app));
    }

    /// Ends the wait of each loop for stop_requested(): what follows from that is up to the
    /// application. Any thread, any number of times, also before run(), and without memory.
    void stop() noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
    /// The mailbox of a loop. Any thread.
    [[nodiscard]] Remote remote(std::size_t index) const;
    /// As Remote::post(): false once that loop is gone, or if its box is full. Any thread.
    [[nodiscard]] bool post(std::size_t index, Function closure) const;

private:
    using Start = Task<void> (*)(const void* app, PoolLoop& here);
    struct State;
    void run_all(Start start, const void* app);

    std::unique_ptr<State> state_;
};

} // namespace tidemill
