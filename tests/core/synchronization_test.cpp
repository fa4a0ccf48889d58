// Event and Semaphore.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

struct Fixture {
    Fixture() : loop(options(clock)), scope(loop) {}
    static LoopOptions options(ManualClock& clock) {
        LoopOptions options;
        options.clock = &clock;
        return options;
    }
    void turn(Duration span = 0ms) {
        clock.advance(span);
        loop.run_once(0ms);
    }

    ManualClock clock;
    EventLoop loop;
    std::string trace;
    TaskScope scope;
};

char mark(const Result<void>& result, char good) {
    if (result) return good;
    if (result.error() == Errc::deadline_expired) return 'T';
    return result.error() == Errc::cancelled ? 'C' : '?';
}

Task<void> wait(Event& event, std::string& trace, char name, Deadline deadline = {}) {
    trace += mark(co_await event.wait(deadline), name);
}

Task<void> acquire(Semaphore& permits, std::string& trace, char name, Deadline deadline = {}) {
    trace += mark(co_await permits.acquire(deadline), name);
}

} // namespace

TEST_CASE_FIXTURE(Fixture, "set wakes all waiters in order, and nobody inside the call") {
    Event event;
    for (const char name : {'1', '2', '3'}) scope.spawn(wait(event, trace, name));
    event.set();
    CHECK(trace.empty());
    turn();
    CHECK(trace == "123");
}

TEST_CASE_FIXTURE(Fixture, "an event stays set until it is reset") {
    Event event;
    event.set();
    CHECK(event.is_set());
    scope.spawn(wait(event, trace, '1'));
    CHECK(trace == "1");
    event.reset();
    CHECK_FALSE(event.is_set());
    scope.spawn(wait(event, trace, '2'));
    CHECK(trace == "1");
}

TEST_CASE_FIXTURE(Fixture, "a wait that set has ended stays ended after a reset") {
    Event event;
    scope.spawn(wait(event, trace, '1'));
    event.set();
    event.reset();
    scope.spawn(wait(event, trace, '2'));
    turn();
    CHECK(trace == "1");
    CHECK(scope.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "waits for events end by deadline, by cancellation, or with the event") {
    auto event = std::make_unique<Event>();
    scope.spawn(wait(*event, trace, '1', within(5ms)));
    turn(4ms);
    CHECK(trace.empty());
    turn(2ms);
    CHECK(trace == "T");
    scope.spawn(wait(*event, trace, '2', Deadline::never()));
    scope.cancel();
    turn();
    CHECK(trace == "TC");
    scope.spawn(wait(*event, trace, '3', within(1h)));
    event.reset();
    turn();
    CHECK(trace == "TCC");
}

TEST_CASE_FIXTURE(Fixture, "a waiter in the middle may be destroyed, before and after set") {
    Event event;
    TaskScope other(loop);
    scope.spawn(wait(event, trace, '1'));
    other.spawn(wait(event, trace, '2'));
    scope.spawn(wait(event, trace, '3'));
    SUBCASE("before") {
        other.clear();
        event.set();
    }
    SUBCASE("after") {
        event.set();
        other.clear();
    }
    turn();
    CHECK(trace == "13");
}

TEST_CASE_FIXTURE(Fixture, "a deadline that passes in the turn in which the event was set loses") {
    Event event;
    scope.spawn(wait(event, trace, '1', within(5ms)));
    event.set();
    turn(10ms);
    CHECK(trace == "1");
}

TEST_CASE_FIXTURE(Fixture, "permits are handed out first come, first served") {
    Semaphore permits(1);
    for (const char name : {'1', '2', '3', '4'}) scope.spawn(acquire(permits, trace, name));
    CHECK(trace == "1");
    permits.release(2);
    CHECK(trace == "1");
    turn();
    CHECK(trace == "123");
    permits.release();
    turn();
    CHECK(trace == "1234");
    CHECK(permits.available() == 0);
}

TEST_CASE_FIXTURE(Fixture, "nobody takes a permit past a task that waits or was handed it") {
    Semaphore permits(0);
    scope.spawn(acquire(permits, trace, '1'));
    CHECK_FALSE(permits.try_acquire());
    permits.release();
    CHECK_FALSE(permits.try_acquire());
    scope.spawn(acquire(permits, trace, '2'));
    turn();
    CHECK(trace == "1");
    permits.release(2);
    CHECK(permits.try_acquire());
    CHECK_FALSE(permits.try_acquire());
}

TEST_CASE_FIXTURE(Fixture, "a permit handed to a task that is destroyed goes to the next") {
    Semaphore permits(0);
    TaskScope first(loop);
    first.spawn(acquire(permits, trace, '1'));
    SUBCASE("who waits already") {
        scope.spawn(acquire(permits, trace, '2'));
        permits.release();
        first.clear();
    }
    SUBCASE("who comes later") {
        permits.release();
        first.clear();
        CHECK(permits.available() == 1);
        scope.spawn(acquire(permits, trace, '2'));
    }
    turn();
    CHECK(trace == "2");
    CHECK(permits.available() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a permit handed to a task that is cancelled is the task's") {
    Semaphore permits(0);
    scope.spawn(acquire(permits, trace, '1'));
    permits.release();
    scope.cancel();
    turn();
    CHECK(trace == "1");
    CHECK(permits.available() == 0);
}

TEST_CASE_FIXTURE(Fixture, "waits for permits end by deadline, cancellation, or the semaphore") {
    auto permits = std::make_unique<Semaphore>(0);
    scope.spawn(acquire(*permits, trace, '1', within(5ms)));
    turn(6ms);
    scope.spawn(acquire(*permits, trace, '2'));
    scope.cancel();
    turn();
    CHECK(trace == "TC");
    CHECK(permits->available() == 0);
    scope.spawn(acquire(*permits, trace, '3'));
    scope.spawn(acquire(*permits, trace, '4'));
    permits->release(); // handed to the one, but the semaphore goes first
    permits.reset();
    turn();
    CHECK(trace == "TCCC");
}
