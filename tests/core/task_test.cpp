// Tasks: chains, results, and what they cost.
#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/sanitizers.hpp"
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

Task<int> immediate(int value) { co_return value; }

Task<int> deep(int depth, Event& event) {
    if (depth == 0) {
        co_await event.wait();
        co_return 0;
    }
    co_return 1 + co_await deep(depth - 1, event);
}

Task<int> sum_of_immediate(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += co_await immediate(1);
    co_return sum;
}

Task<int> failing(Event& event) {
    co_await event.wait();
    throw std::runtime_error("from below");
}

Task<void> nap() { co_await sleep(0ms); }

std::uint64_t allocations_of_a_hundred_rounds() {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    LoopOptions options;
    options.clock = &clock;
    EventLoop loop(options);
    Event event;
    Semaphore permits(1);
    Channel<int> channel(1);
    TaskScope scope(loop);
    int sum = 0;
    scope.spawn([&]() -> Task<void> {
        for (;;) sum += (co_await channel.receive()).value();
    });
    const auto round = [&]() -> Task<void> {
        co_await sleep(1ms);
        co_await sleep(0ms);
        co_await event.wait(within(1ms));
        static_cast<void>(co_await permits.acquire());
        static_cast<void>(co_await permits.acquire(within(1ms)));
        permits.release();
        static_cast<void>(co_await channel.send(1));
        static_cast<void>(co_await channel.send(1));
        co_await when_any(nap(), nap());
        co_await when_all(nap(), immediate(1));
    };
    const auto run_round = [&] {
        scope.spawn(round);
        while (scope.size() > 1) loop.run_once(10ms);
    };
    run_round();
    run_round();
    const tidemill::support::AllocationCount count;
    for (int i = 0; i < 100; ++i) run_round();
    CHECK(sum == 204);
    return count.taken();
}

} // namespace

TEST_CASE("a million awaits of tasks that finish at once do not grow the stack") {
    EventLoop loop;
    CHECK(loop.run(sum_of_immediate(1'000'000)) == 1'000'000);
}

TEST_CASE("a million tasks spawned one after the other leave nothing behind") {
    EventLoop loop;
    TaskScope scope(loop);
    int ran = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        scope.spawn([&ran]() -> Task<void> {
            ++ran;
            co_return;
        });
    }
    CHECK(ran == 1'000'000);
    CHECK(scope.empty());
}

TEST_CASE("a chain of ten thousand tasks suspends, goes on and gives its result") {
    constexpr int depth = tidemill::support::under_sanitizer ? 2'000 : 10'000;
    EventLoop loop;
    Event event;
    int result = 0;
    TaskScope scope(loop);
    scope.spawn([&]() -> Task<void> { result = co_await deep(depth, event); });
    CHECK(result == 0);
    event.set();
    loop.run_once(0ms);
    CHECK(result == depth);
}

TEST_CASE("a chain of ten thousand suspended tasks can be destroyed") {
    constexpr int depth = tidemill::support::under_sanitizer ? 2'000 : 10'000;
    EventLoop loop;
    Event event;
    TaskScope scope(loop);
    scope.spawn([&]() -> Task<void> { co_await deep(depth, event); });
    scope.clear();
    event.set();
    loop.run_once(0ms);
    CHECK(scope.empty());
}

TEST_CASE("an exception climbs the chain to whoever catches it") {
    EventLoop loop;
    Event event;
    std::string caught;
    TaskScope scope(loop);
    scope.spawn([&]() -> Task<void> {
        try {
            co_await failing(event);
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
    });
    event.set();
    loop.run_once(0ms);
    CHECK(caught == "from below");
}

TEST_CASE("a task gives references and move-only values") {
    EventLoop loop;
    int value = 1;
    const auto refer = [](int& to) -> Task<int&> { co_return to; };
    CHECK(&loop.run(refer(value)) == &value);
    const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    CHECK(*loop.run(make()) == 5);
}

TEST_CASE("a task that nobody awaits never runs") {
    bool has_run = false;
    const auto mark = [](bool& flag) -> Task<void> {
        flag = true;
        co_return;
    };
    { const Task<void> task = mark(has_run); }
    CHECK_FALSE(has_run);
}

TEST_CASE("waiting allocates nothing once the pools are warm") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    // On a thread of its own: the pool of this one is full of the frames of the cases above.
    std::uint64_t allocations = 1;
    std::thread([&] { allocations = allocations_of_a_hundred_rounds(); }).join();
    CHECK(allocations == 0);
}
