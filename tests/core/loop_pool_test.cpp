// Loops on threads of their own: how they start, talk to each other, stop and fail.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

LoopPoolOptions loops(std::size_t count) {
    LoopPoolOptions options;
    options.loops = count;
    return options;
}

} // namespace

TEST_CASE("each loop of a pool runs the application on a thread of its own") {
    LoopPool pool(loops(4));
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::set<std::size_t> indices;
    pool.run([&](PoolLoop& here) -> Task<void> {
        static_cast<void>(co_await sleep(1ms));
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        indices.insert(here.index());
    });
    CHECK(threads.size() == 4);
    CHECK(threads.count(std::this_thread::get_id()) == 0);
    CHECK(indices == std::set<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("without a number there is one loop for each core") {
    CHECK(LoopPool().size() == std::max(1U, std::thread::hardware_concurrency()));
    CHECK(LoopPool(loops(3)).size() == 3);
}

TEST_CASE("a pool that is never run ends") {
    Remote last = LoopPool(loops(1)).remote(0);
    CHECK(!last.post([] {}));
}

TEST_CASE("loops post to each other until all have heard of it") {
    constexpr int rounds = 10'000;
    LoopPool pool(loops(2));
    std::array<int, 2> heard{}; // each is its own loop's
    pool.run([&](PoolLoop& here) -> Task<void> {
        const std::size_t own = here.index();
        const std::size_t other = 1 - own;
        for (int i = 0; i < rounds; ++i) {
            while (!pool.post(other, [&heard, other] { ++heard[other]; }))
                static_cast<void>(co_await sleep(0s));
        }
        while (heard[own] < rounds) static_cast<void>(co_await sleep(1ms));
    });
    CHECK(heard == std::array{rounds, rounds});
}

TEST_CASE("a stop reaches every loop of a pool, and each ends in its own time") {
    LoopPool pool(loops(3));
    std::atomic<int> ended_in_order = 0;
    std::thread stopper([&] { pool.stop(); });
    pool.run([&](PoolLoop& here) -> Task<void> {
        const auto stopped = co_await here.stop_requested(within(5s));
        static_cast<void>(co_await sleep(1ms)); // the end may take its time
        if (stopped && here.is_stop_requested()) ++ended_in_order;
    });
    stopper.join();
    CHECK(ended_in_order == 3);
    pool.stop(); // and what has ended may be asked again
}

TEST_CASE("a stop that comes before run is not lost") {
    LoopPool pool(loops(2));
    pool.stop();
    std::atomic<int> stopped = 0;
    pool.run([&](PoolLoop& here) -> Task<void> {
        const auto requested = co_await here.stop_requested(within(5s));
        if (requested) ++stopped;
    });
    CHECK(stopped == 2);
}

TEST_CASE("a stop is heard by a loop whose box is full") {
    LoopPoolOptions options = loops(1);
    options.loop.posted_closures = 2;
    LoopPool pool(options);
    bool was_stopped = false;
    pool.run([&](PoolLoop& here) -> Task<void> {
        std::thread other([&] {
            while (pool.post(0, [] {})) {
            }
            pool.stop();
        });
        other.join();
        const auto stopped = co_await here.stop_requested(within(5s));
        was_stopped = stopped.has_value();
    });
    CHECK(was_stopped);
}

TEST_CASE("a loop whose task throws ends, the others are asked to stop, and run() throws it") {
    LoopPool pool(loops(3));
    std::atomic<int> ended_in_order = 0;
    const auto app = [&](PoolLoop& here) -> Task<void> {
        if (here.index() == 1) throw std::runtime_error("one of three");
        const auto stopped = co_await here.stop_requested(within(5s));
        if (stopped) ++ended_in_order;
    };
    CHECK_THROWS_WITH_AS(pool.run(app), "one of three", std::runtime_error);
    CHECK(ended_in_order == 2);
    CHECK(!pool.post(1, [] {}));
}

TEST_CASE("a closure that throws ends its loop of a pool as a task would") {
    LoopPool pool(loops(2));
    std::atomic<int> ended_in_order = 0;
    const auto app = [&](PoolLoop& here) -> Task<void> {
        if (here.index() == 0)
            static_cast<void>(pool.post(1, [] { throw std::runtime_error("posted"); }));
        const auto stopped = co_await here.stop_requested(within(5s));
        if (stopped) ++ended_in_order;
    };
    CHECK_THROWS_WITH_AS(pool.run(app), "posted", std::runtime_error);
    CHECK(ended_in_order == 1);
}

TEST_CASE("a loop that cannot be made is told by the pool, and no thread is left") {
    LoopPoolOptions options = loops(2);
    options.loop.selector = "no such selector";
    CHECK_THROWS_AS(LoopPool{options}, std::system_error);
}

TEST_CASE("a loop of a pool that has ended answers no post") {
    LoopPool pool(loops(2));
    bool was_refused = false;
    pool.run([&](PoolLoop& here) -> Task<void> {
        if (here.index() == 1) co_return;
        for (int i = 0; i < 5'000 && !was_refused; ++i) {
            was_refused = !pool.post(1, [] {});
            static_cast<void>(co_await sleep(1ms));
        }
    });
    CHECK(was_refused);
}
