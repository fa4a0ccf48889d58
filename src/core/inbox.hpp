// The closures that wait to be run by a loop, from its own thread and from others.
//
// Who writes what, so that no wake-up is lost: a producer of another thread appends under the lock,
// then takes `is_asleep_`; whoever takes it set writes the wake-up. The loop sets `is_asleep_`,
// then looks at the count, then waits. Both orders are sequentially consistent, so either the
// producer sees the sleeper or the loop sees the closure. The loop's own thread needs neither lock
// nor wake.
#pragma once

#include "core/selector.hpp"
#include "core/thread_mark.hpp"
#include <atomic>
#include <mutex>
#include <thread>
#include <tidemill/core/function.hpp>
#include <tidemill/core/remote.hpp>
#include <vector>

namespace tidemill::detail {

class LoopCore;

/// Something to announce that needs no memory: a node of its owner's, who keeps it until the loop
/// has run it, or is gone.
class Notice {
public:
    Notice() noexcept = default;
    Notice(const Notice&) = delete;
    Notice& operator=(const Notice&) = delete;
    virtual ~Notice() = default;
    /// On the loop's thread.
    virtual void on_notice() noexcept = 0;

private:
    friend class Inbox;
    Notice* next_ = nullptr;
    std::atomic<bool> is_posted_{false};
};

class Inbox : public std::enable_shared_from_this<Inbox> {
public:
    Inbox(LoopCore& loop, Selector& selector, std::size_t limit) noexcept
        : loop_(&loop), selector_(&selector), limit_(limit) {}
    [[nodiscard]] static Inbox& of(const Remote& remote) noexcept { return *remote.inbox_; }

    /// Any thread; the thread that made the inbox is the loop's own.
    bool post(Function closure);
    /// For notices whose number is limited by other means: refused only when the loop is gone.
    bool post_notice(Function closure);
    /// The same without memory, so that it cannot fail. One that waits to be run already is run
    /// once; notices that wait together are run in any order.
    void post_notice(Notice& notice) noexcept;
    void stop() noexcept;
    [[nodiscard]] Remote remote() noexcept { return Remote(shared_from_this()); }

    // The rest is for the loop's thread only.

    /// Null once the loop is gone.
    [[nodiscard]] LoopCore* loop() const noexcept { return loop_; }
    [[nodiscard]] bool is_own_thread() const noexcept { return current_thread() == owner_; }
    /// True if the loop may block now; then after_wait() must follow. A stop keeps awake only who
    /// heeds it: run() does, run(task) and run_once() do not.
    [[nodiscard]] bool may_sleep(bool heeds_stop) noexcept;
    void after_wait() noexcept { is_asleep_.store(false, std::memory_order_relaxed); }
    [[nodiscard]] bool has_closures() const noexcept {
        return !own_.empty() || !running_own_.empty() || !running_foreign_.empty() ||
               has_foreign_.load(std::memory_order_relaxed);
    }
    /// Runs what had been posted before the call. If a closure throws, the rest stays for later.
    void run_closures();
    [[nodiscard]] bool take_stop() noexcept;
    /// Another selector serves the loop from here on; a guest of another loop cannot be stopped.
    void use(Selector& selector, bool is_guest) noexcept;
    /// The loop is being destroyed: destroys the closures and refuses what comes later.
    void close() noexcept;
    [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_.load(); }

private:
    bool post_own(Function&& closure, std::size_t limit);
    bool post_foreign(Function&& closure, std::size_t limit);
    [[nodiscard]] std::unique_lock<std::mutex> lock_after_spinning();
    void wake_if_asleep() noexcept;
    void run_all(std::vector<Function>& queue, std::size_t& done);
    static void run_notices(Notice* first) noexcept;

    LoopCore* loop_;
    Selector* selector_;    ///< guarded by mutex_ for other threads; null once the loop is gone
    bool is_guest_ = false; ///< guarded by mutex_
    const std::size_t limit_;
    const ThreadMark owner_ = current_thread();
    std::vector<Function> own_;
    std::vector<Function> running_own_; ///< the batch being run; a throwing closure leaves a rest
    std::vector<Function> running_foreign_;
    std::size_t done_own_ = 0;
    std::size_t done_foreign_ = 0;

    std::mutex mutex_;
    std::vector<Function> foreign_;
    Notice* notices_ = nullptr; ///< guarded by mutex_
    std::atomic<bool> has_foreign_{false};
    std::atomic<bool> is_asleep_{false};
    std::atomic<bool> stop_requested_{false};
    std::atomic<std::uint64_t> rejected_{0};
};

} // namespace tidemill::detail
