// Fairness within a turn, and callbacks that take long.
#include <doctest/doctest.h>

#include <algorithm>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

LoopOptions with(ManualClock& clock) {
    LoopOptions options;
    options.clock = &clock;
    return options;
}

} // namespace

TEST_CASE("a task that sleeps for nothing in an endless loop does not starve a timer") {
    ManualClock clock;
    EventLoop loop(with(clock));
    TaskScope scope(loop);
    std::size_t rounds = 0;
    std::size_t most_between = 0;
    std::size_t at_last = 0;
    Timer timer(loop, [&] {
        most_between = std::max(most_between, rounds - at_last);
        at_last = rounds;
        timer.start(1ms);
    });
    timer.start(1ms);
    scope.spawn([&]() -> Task<void> {
        for (;;) {
            ++rounds;
            co_await sleep(0ms);
        }
    });
    for (int turn = 0; turn < 100; ++turn) {
        clock.advance(1ms);
        loop.run_once(0ms);
    }
    CHECK(rounds == 101);
    CHECK(most_between == 1);
}

TEST_CASE("operations that complete at once in an endless loop spend a budget in each turn") {
    ManualClock clock;
    EventLoop loop(with(clock));
    const std::size_t budget = LoopOptions().operations_per_turn;
    Event event(true);
    Semaphore permits(1);
    Channel<int> channel(1);
    TaskScope empty(loop);
    std::size_t rounds = 0;
    TaskScope scope(loop);
    SUBCASE("an event that is set") {
        scope.spawn([&]() -> Task<void> {
            for (;; ++rounds) co_await event.wait();
        });
    }
    SUBCASE("a free permit") {
        scope.spawn([&]() -> Task<void> {
            for (;; ++rounds) {
                static_cast<void>(co_await permits.acquire());
                permits.release();
            }
        });
    }
    SUBCASE("a channel with room") {
        scope.spawn([&]() -> Task<void> {
            for (;; ++rounds) {
                static_cast<void>(co_await channel.send(1));
                CHECK(channel.try_receive() == 1);
            }
        });
    }
    SUBCASE("joining nobody") {
        scope.spawn([&]() -> Task<void> {
            for (;; ++rounds) static_cast<void>(co_await empty.join());
        });
    }
    for (int turn = 0; turn < 10; ++turn) {
        const std::size_t before = rounds;
        loop.run_once(0ms);
        CHECK(rounds - before <= budget);
        CHECK(rounds > before);
    }
}

TEST_CASE("a callback that takes long is counted, and the longest is named") {
    ManualClock clock;
    EventLoop loop(with(clock));
    Timer timer(
        loop, [&] { clock.advance(80ms); }, "the slow one");
    timer.start(0ms);
    TaskScope scope(loop, "the quick one");
    scope.spawn([&]() -> Task<void> {
        co_await sleep(0ms);
        clock.advance(20ms);
    });
    loop.run_once(0ms);
    CHECK(loop.counters().slow_callbacks == 1);
    CHECK(loop.counters().longest_callback == 80ms);
    CHECK(loop.counters().longest_callback_name == "the slow one");
}

TEST_CASE("a task that takes long after its sleep is named by its scope") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    TaskScope slow(loop, "slow scope");
    TaskScope quick(loop, "quick scope");
    slow.spawn([&]() -> Task<void> {
        co_await sleep(10ms);
        clock.advance(100ms);
    });
    quick.spawn([&]() -> Task<void> { co_await sleep(10ms); });
    for (int turn = 0; turn < 3; ++turn) loop.run_once(20ms);
    CHECK(slow.empty());
    CHECK(quick.empty());
    CHECK(loop.counters().slow_callbacks == 1);
    CHECK(loop.counters().longest_callback_name == "slow scope");
}
