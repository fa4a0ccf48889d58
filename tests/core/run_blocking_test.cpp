// run_blocking: results, limits, and ends that come early.
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

LoopOptions small_pool(std::size_t threads, std::size_t jobs) {
    LoopOptions options;
    options.blocking_threads = threads;
    options.blocking_jobs = jobs;
    return options;
}

// Keeps a thread of the pool until it is opened. Not by std::atomic::wait(), which loses wakes
// where the standard library of GCC 12 has no futex under it.
class Gate {
public:
    [[nodiscard]] auto function() {
        return [this] {
            set(has_begun_);
            wait_for(is_open_);
            ++passed_;
        };
    }
    void wait_for_thread() { wait_for(has_begun_); }
    void open() { set(is_open_); }
    [[nodiscard]] int passed() const { return passed_.load(); }

private:
    void set(bool& flag) {
        const std::lock_guard lock(mutex_);
        flag = true;
        changed_.notify_all();
    }
    void wait_for(const bool& flag) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return flag; });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool has_begun_ = false; ///< guarded by mutex_
    bool is_open_ = false;   ///< guarded by mutex_
    std::atomic<int> passed_{0};
};

Task<Result<void>> pass(Gate& gate, Deadline deadline = {}) {
    const auto function = gate.function();
    co_return co_await run_blocking(function, deadline);
}

} // namespace

TEST_CASE("a blocking function runs on another thread and gives its result") {
    EventLoop loop;
    const auto ask = []() -> Task<std::thread::id> {
        co_return (co_await run_blocking(std::this_thread::get_id)).value();
    };
    CHECK(loop.run(ask()) != std::this_thread::get_id());
    const auto nothing = []() -> Task<bool> {
        co_return (co_await run_blocking([] {})).has_value();
    };
    CHECK(loop.run(nothing()));
    const auto move_only = []() -> Task<std::unique_ptr<int>> {
        co_return (co_await run_blocking([] { return std::make_unique<int>(5); })).value();
    };
    CHECK(*loop.run(move_only()) == 5);
}

TEST_CASE("what a blocking function throws reaches the waiting task") {
    EventLoop loop;
    const auto fail = []() -> Task<void> {
        co_await run_blocking([] { throw std::runtime_error("from the thread"); });
    };
    CHECK_THROWS_WITH(loop.run(fail()), "from the thread");
}

TEST_CASE("a blocking function that gives a Result gives it unwrapped") {
    EventLoop loop;
    const auto fail = []() -> Task<Result<int>> {
        co_return co_await run_blocking([]() -> Result<int> { return failure(Errc::truncated); });
    };
    CHECK(loop.run(fail()).error() == Errc::truncated);
}

TEST_CASE("blocking functions beyond the threads wait, and beyond the queue are refused") {
    Gate gate;
    EventLoop loop(small_pool(1, 2));
    TaskScope scope(loop);
    int passed = 0;
    int refused = 0;
    const auto count = [&]() -> Task<void> {
        const Result<void> result = co_await pass(gate);
        if (result) ++passed;
        if (!result && result.error() == Errc::limit_reached) ++refused;
    };
    scope.spawn(count);
    gate.wait_for_thread();
    for (int i = 0; i < 4; ++i) scope.spawn(count);
    CHECK(refused == 2);
    gate.open();
    const auto join = [&]() -> Task<void> { static_cast<void>(co_await scope.join()); };
    loop.run(join());
    CHECK(passed == 3);
}

TEST_CASE("a blocking wait ends early, and the function runs on without its waiter") {
    Gate gate;
    {
        EventLoop loop(small_pool(1, 2));
        TaskScope scope(loop);
        Result<void> ended;
        Deadline deadline;
        SUBCASE("by deadline") { deadline = within(1ms); }
        SUBCASE("by destruction") {}
        scope.spawn([&]() -> Task<void> { ended = co_await pass(gate, deadline); });
        gate.wait_for_thread();
        if (!deadline.is_default()) {
            while (!scope.empty()) loop.run_once(10ms);
            CHECK(ended.error() == Errc::deadline_expired);
        }
        scope.clear();
        CHECK(gate.passed() == 0);
        gate.open();
        // The thread's next result comes behind the one that nobody waits for.
        const auto next = []() -> Task<void> { CHECK(co_await run_blocking([] {})); };
        loop.run(next());
    }
    CHECK(gate.passed() == 1);
}

TEST_CASE("a cancelled blocking wait gives cancelled, and one that has not begun is never called") {
    Gate gate;
    EventLoop loop(small_pool(1, 2));
    TaskScope scope(loop);
    TaskScope cancelled(loop);
    std::atomic<bool> was_called{false};
    Result<void> ended;
    scope.spawn([&]() -> Task<void> { static_cast<void>(co_await pass(gate)); });
    gate.wait_for_thread();
    cancelled.spawn([&]() -> Task<void> {
        const auto call = [&] { was_called = true; };
        ended = co_await run_blocking(call);
    });
    cancelled.cancel();
    loop.run_once(0ms);
    CHECK(ended.error() == Errc::cancelled);
    gate.open();
    const auto after = []() -> Task<void> { static_cast<void>(co_await run_blocking([] {})); };
    loop.run(after());
    CHECK_FALSE(was_called);
}

TEST_CASE("the loop's end drops functions that have not begun and resumes nobody") {
    Gate gate;
    bool has_resumed = false;
    std::optional<EventLoop> loop(std::in_place, small_pool(1, 2));
    TaskScope scope(*loop);
    const auto wait = [&]() -> Task<void> {
        static_cast<void>(co_await pass(gate));
        has_resumed = true;
    };
    scope.spawn(wait);
    gate.wait_for_thread();
    scope.spawn(wait);
    // Not before the loop's end has begun, or the next function would be right to begin.
    std::thread opener([&, remote = loop->remote()] {
        while (remote.post([] {})) std::this_thread::yield();
        gate.open();
    });
    loop.reset();
    opener.join();
    CHECK(gate.passed() == 1);
    CHECK_FALSE(has_resumed);
    CHECK(scope.size() == 2);
}

TEST_CASE("many blocking functions on several threads all come back, to a full mailbox too") {
    LoopOptions options = small_pool(3, 1000);
    options.posted_closures = 0;
    EventLoop loop(options);
    int sum = 0;
    TaskScope scope(loop);
    for (int i = 0; i < 500; ++i) {
        scope.spawn([&sum, i]() -> Task<void> {
            const auto echo = [i] { return i; };
            sum += (co_await run_blocking(echo)).value();
        });
    }
    const auto join = [&]() -> Task<void> { static_cast<void>(co_await scope.join()); };
    loop.run(join());
    CHECK(sum == 499 * 500 / 2);
}
