// when_all and when_any.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>
#include <vector>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

struct Fixture {
    Fixture() : clock(ManualClock::WhenIdle::move_on), loop(options(clock)), scope(loop) {}
    static LoopOptions options(ManualClock& clock) {
        LoopOptions options;
        options.clock = &clock;
        return options;
    }
    Task<int> number_after(Duration delay, int value) {
        ++started;
        const Result<void> slept = co_await sleep(delay);
        if (!slept) {
            ++cancelled;
            co_await sleep(1ms); // clean-up of a cancelled task takes time
            ++joined;
            co_return -value;
        }
        co_return value;
    }
    Task<void> fail_after(Duration delay, const char* text) {
        co_await sleep(delay);
        throw std::runtime_error(text);
    }
    Task<std::string> at_once(std::string text) {
        ++started;
        co_return text;
    }
    Task<void> nothing() { co_return; }

    ManualClock clock;
    EventLoop loop;
    int started = 0;
    int cancelled = 0;
    int joined = 0;
    TaskScope scope;
};

} // namespace

TEST_CASE_FIXTURE(Fixture, "when_all gives all results in the order of the tasks") {
    const Duration before = clock.now();
    const auto [a, b, c] = loop.run(when_all(number_after(20ms, 1), at_once("two"), nothing()));
    CHECK(a == 1);
    CHECK(b == "two");
    CHECK(c == std::monostate());
    CHECK(clock.now() - before <= 22ms);
}

TEST_CASE_FIXTURE(Fixture, "when_all takes any number of tasks of one type, which run at once") {
    const Duration before = clock.now();
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(number_after(Duration(50ms) - i * 10ms, i));
    CHECK(loop.run(when_all(std::move(tasks))) == std::vector<int>{0, 1, 2, 3, 4});
    CHECK(clock.now() - before <= 52ms);
    CHECK(loop.run(when_all(std::vector<Task<int>>())).empty());
    CHECK(loop.run(when_all()) == std::tuple<>());
}

TEST_CASE_FIXTURE(Fixture,
                  "an exception in when_all cancels the others, joins them, and is thrown") {
    const auto all = [&]() -> Task<void> {
        co_await when_all(number_after(1h, 1), fail_after(5ms, "first"), number_after(1h, 2));
    };
    CHECK_THROWS_WITH(loop.run(all()), "first");
    CHECK(cancelled == 2);
    CHECK(joined == 2);
}

TEST_CASE_FIXTURE(Fixture, "when_all rethrows the first exception and counts the others") {
    CHECK_THROWS_WITH(loop.run(when_all(fail_after(5ms, "first"), fail_after(1h, "second"))),
                      "first");
    CHECK(loop.counters().failed_tasks == 1);
}

TEST_CASE_FIXTURE(Fixture, "when_any says who won, and the losers are cancelled and joined") {
    const auto any =
        loop.run(when_any(number_after(1h, 1), number_after(5ms, 2), number_after(1h, 3)));
    CHECK(any.index == 1);
    CHECK(std::get<1>(any.value) == 2);
    CHECK(cancelled == 2);
    CHECK(joined == 2);
    CHECK(std::get<0>(any.losers) == -1);
    CHECK_FALSE(std::get<1>(any.losers).has_value());
    CHECK(std::get<2>(any.losers) == -3);
}

TEST_CASE_FIXTURE(Fixture, "when_any of many tasks of one type") {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(number_after(Duration(50ms) - i * 10ms, i));
    const AnyOf<int> any = loop.run(when_any(std::move(tasks)));
    CHECK(any.index == 3);
    CHECK(any.value == 3);
    CHECK(joined == 3);
    CHECK(any.losers[1] == -1);
    CHECK_FALSE(any.losers[3].has_value());
}

TEST_CASE_FIXTURE(Fixture, "when_any does not start the tasks behind one that ends at once") {
    const auto any = loop.run(when_any(at_once("won"), number_after(1h, 1)));
    CHECK(any.index == 0);
    CHECK(std::get<0>(any.value) == "won");
    CHECK(started == 1);
}

TEST_CASE_FIXTURE(Fixture, "when_any throws what left the winner, and counts what left a loser") {
    CHECK_THROWS_WITH(loop.run(when_any(fail_after(5ms, "won"), number_after(1h, 1))), "won");
    CHECK(joined == 1);
    const auto any = loop.run(when_any(number_after(5ms, 7), fail_after(1h, "lost")));
    CHECK(std::get<0>(any.value) == 7);
    CHECK_FALSE(std::get<1>(any.losers).has_value());
    CHECK(loop.counters().failed_tasks == 1);
}

TEST_CASE_FIXTURE(Fixture, "when_any loses nothing that had come in for a loser") {
    Channel<int> left(1);
    Channel<int> right(1);
    const auto receive = [](Channel<int>& from) -> Task<Result<int>> {
        co_return co_await from.receive();
    };
    std::optional<AnyResult<Result<int>, Result<int>>> any;
    scope.spawn([&]() -> Task<void> { any = co_await when_any(receive(left), receive(right)); });
    REQUIRE(left.try_send(1)); // both waits have ended before either task runs
    REQUIRE(right.try_send(2));
    while (!scope.empty()) loop.run_once(0ms);
    REQUIRE(any);
    CHECK(any->index == 0);
    CHECK(**std::get<1>(any->losers) == 2);
}

TEST_CASE_FIXTURE(Fixture, "cancelling the waiting task cancels all children and waits for them") {
    bool has_ended = false;
    SUBCASE("of when_all") {
        scope.spawn([&]() -> Task<void> {
            co_await when_all(number_after(1h, 1), number_after(1h, 2));
            has_ended = true;
        });
    }
    SUBCASE("of when_any") {
        scope.spawn([&]() -> Task<void> {
            co_await when_any(number_after(1h, 1), number_after(1h, 2));
            has_ended = true;
        });
    }
    SUBCASE("of both, one inside the other") {
        scope.spawn([&]() -> Task<void> {
            co_await when_any(when_all(number_after(1h, 1)), number_after(1h, 2));
            has_ended = true;
        });
    }
    scope.cancel();
    loop.run_once(0ms);
    CHECK(cancelled == 2);
    CHECK_FALSE(has_ended);
    for (int turn = 0; turn < 10 && !has_ended; ++turn) loop.run_once(1ms);
    CHECK(joined == 2);
    CHECK(has_ended);
}

TEST_CASE_FIXTURE(Fixture, "a cancellation that was pending reaches the children") {
    scope.spawn([&]() -> Task<void> {
        scope.cancel();
        co_await when_all(number_after(1h, 1), number_after(1h, 2));
    });
    loop.run_once(0ms);
    CHECK(cancelled == 2);
}

TEST_CASE_FIXTURE(Fixture, "destroying the waiting task destroys the children") {
    Event event;
    int destroyed = 0;
    struct Counted {
        int& count;
        explicit Counted(int& count_) : count(count_) {}
        ~Counted() { ++count; }
    };
    const auto hold = [](Event& until, int& count) -> Task<void> {
        const Counted counted(count);
        co_await until.wait();
    };
    scope.spawn([&]() -> Task<void> { co_await when_all(hold(event, destroyed), nothing()); });
    scope.spawn(
        [&]() -> Task<void> { co_await when_any(hold(event, destroyed), hold(event, destroyed)); });
    SUBCASE("while they wait") {}
    SUBCASE("when they are due to run") { event.set(); }
    scope.clear();
    CHECK(destroyed == 3);
    loop.run_once(0ms);
}

TEST_CASE_FIXTURE(Fixture,
                  "a child may destroy the task that waits for it, and is destroyed after") {
    Event event;
    std::string trace;
    const auto clears = [&]() -> Task<void> {
        co_await event.wait();
        scope.clear();
        trace += 'c';
        co_await sleep(0ms);
        trace += '!';
    };
    const auto clears_at_once = [&]() -> Task<void> {
        scope.clear();
        trace += 'c';
        co_await sleep(0ms);
        trace += '!';
    };
    SUBCASE("after a wait") {
        scope.spawn([&]() -> Task<void> { co_await when_all(number_after(1h, 1), clears()); });
        event.set();
    }
    SUBCASE("while the children are being started") {
        scope.spawn([&]() -> Task<void> {
            co_await when_all(number_after(1h, 1), clears_at_once(), number_after(1h, 2));
        });
    }
    loop.run_once(0ms);
    loop.run_once(0ms);
    CHECK(trace == "c");
    CHECK(scope.empty());
    CHECK(joined == 0);
}
