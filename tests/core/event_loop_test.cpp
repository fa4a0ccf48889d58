// The turn of the loop, as docs/design.md tells it: SEMANTICS by the names of the cases.
#include <doctest/doctest.h>

#include "conformance/support/loopback.hpp"
#include "core/loop_core.hpp"
#include <string>
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

// A socket pair of which one end is a source of the loop.
class PairSource final : private detail::Source {
public:
    PairSource(EventLoop& loop, Function on_bytes)
        : loop_(loop.core()), on_bytes_(std::move(on_bytes)), slot_(loop_.attach(*this)) {
        REQUIRE_FALSE(loop_.watch(slot_, pair_.near.get(), known_, detail::Interest::read));
    }
    ~PairSource() {
        loop_.closing(slot_, pair_.near.get(), known_, true);
        loop_.detach(slot_);
    }
    void fill() { pair_.far_sends("x"); }

private:
    void abandon(detail::Operation&) noexcept override {} // nobody waits
    void on_readable() noexcept override {
        CHECK(conformance::receive_some(pair_.near.get()).bytes == 1);
        on_bytes_();
    }
    void on_writable() noexcept override {}
    void on_loop_gone() noexcept override {}

    detail::LoopCore& loop_;
    Function on_bytes_;
    conformance::UdpPair pair_;
    std::uint32_t slot_ = 0;
    detail::Interest known_ = detail::Interest::none;
};

Task<void> note_when_set(Event& event, std::string& trace, char mark) {
    co_await event.wait();
    trace += mark;
}

Task<int> answer_after(Duration delay, int value) {
    co_await sleep(delay);
    co_return value;
}

Task<void> throw_after(Duration delay) {
    co_await sleep(delay);
    throw std::runtime_error("late");
}

} // namespace

TEST_CASE("one turn runs events, timers, completed operations, then posted closures") {
    ManualClock clock;
    EventLoop loop(with(clock));
    std::string trace;
    Event event;
    PairSource source(loop, [&] { trace += 'e'; });
    Timer timer(loop, [&] { trace += 't'; });
    TaskScope scope(loop);
    REQUIRE(loop.post([&] { trace += 'p'; }));
    scope.spawn(note_when_set(event, trace, 'r'));
    event.set();
    timer.start(1ms);
    source.fill();
    clock.advance(1ms);
    CHECK(trace.empty());
    loop.run_once(0ms);
    CHECK(trace == "etrp");
}

TEST_CASE("what a step adds to its own list waits for the next turn") {
    ManualClock clock;
    EventLoop loop(with(clock));
    TaskScope scope(loop);
    std::string trace;
    Event first;
    Event second;
    scope.spawn([&]() -> Task<void> {
        co_await first.wait();
        trace += 'r';
        second.set();
    });
    scope.spawn(note_when_set(second, trace, 'R'));
    Timer late(loop, [&] { trace += 'T'; });
    Timer early(loop, [&] {
        trace += 't';
        late.start(0ms);
    });
    early.start(0ms);
    first.set();
    REQUIRE(loop.post([&] {
        trace += 'p';
        CHECK(loop.post([&] { trace += 'P'; }));
    }));
    loop.run_once(0ms);
    CHECK(trace == "trp");
    loop.run_once(0ms);
    CHECK(trace == "trpTRP");
}

TEST_CASE("a deadline counts from the moment at which its operation starts") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    const Duration start = clock.now();
    loop.run(answer_after(60s, 0));
    CHECK(clock.now() - start >= 60s);
    const Duration before = clock.now();
    Event never;
    TaskScope scope(loop);
    Duration waited{};
    scope.spawn([&]() -> Task<void> {
        const auto ended = co_await never.wait(within(5s));
        CHECK(ended.error() == Errc::deadline_expired);
        waited = clock.now() - before;
    });
    while (!scope.empty()) loop.run_once(60s);
    CHECK(waited >= 5s);
    CHECK(waited <= 5s + 1ms);
}

TEST_CASE("a deadline that starts after a long callback is not counted from the turn's begin") {
    ManualClock clock;
    EventLoop loop(with(clock));
    bool has_fired = false;
    Timer timer(loop, [&] { has_fired = true; });
    REQUIRE(loop.post([&] {
        clock.advance(2s); // the callback takes that long
        timer.start(1s);
    }));
    loop.run_once(0ms);
    clock.advance(999ms);
    loop.run_once(0ms);
    CHECK_FALSE(has_fired);
    clock.advance(2ms);
    loop.run_once(0ms);
    CHECK(has_fired);
}

TEST_CASE("the clock is read after the wait") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    const Duration before = loop.now();
    loop.run_once(3s);
    CHECK(loop.now() - before == 3s);
}

TEST_CASE("a wait that only another thread can end does not move the replaced clock") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    const Duration before = clock.now();
    {
        EventLoop loop(with(clock));
        loop.stop();
        loop.run();
    }
    CHECK(clock.now() == before);
}

TEST_CASE("run returns after stop only, and a later run goes on") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    TaskScope scope(loop);
    int steps = 0;
    scope.spawn([&]() -> Task<void> {
        for (;;) {
            co_await sleep(10ms);
            if (++steps % 3 == 0) loop.stop();
        }
    });
    loop.run();
    CHECK(steps == 3);
    loop.run();
    CHECK(steps == 6);
    CHECK(scope.size() == 1);
}

TEST_CASE("a stop before run makes run return at once") {
    EventLoop loop;
    loop.stop();
    loop.run();
    CHECK(loop.counters().turns == 0);
}

TEST_CASE("run of a task gives its result") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    CHECK(loop.run(answer_after(1h, 42)) == 42);
    CHECK(block_on(loop, answer_after(0s, 43)) == 43);
}

TEST_CASE("run of a task throws what leaves the task, and the loop goes on") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    CHECK_THROWS_WITH(loop.run(throw_after(1s)), "late");
    CHECK_THROWS_WITH(loop.run(throw_after(0s)), "late");
    CHECK(loop.run(answer_after(1s, 1)) == 1);
}

TEST_CASE("a stop during the run of a task is kept for the next run, and the loop sleeps on") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    loop.stop();
    const std::uint64_t before = loop.counters().turns;
    CHECK(loop.run(answer_after(1h, 7)) == 7);
    CHECK(loop.counters().turns - before < 20); // a loop that spins never lets the clock move on
    loop.run();
    loop.stop();
    loop.run();
}

TEST_CASE("an exception from a posted closure leaves run, and the rest still runs in order") {
    EventLoop loop;
    std::string trace;
    REQUIRE(loop.post([&] { trace += '1'; }));
    REQUIRE(loop.post([] { throw std::runtime_error("posted"); }));
    REQUIRE(loop.post([&] { trace += '2'; }));
    CHECK_THROWS_WITH(loop.run(), "posted");
    CHECK(trace == "1");
    REQUIRE(loop.post([&] {
        trace += '3';
        loop.stop();
    }));
    loop.run();
    CHECK(trace == "123");
}

TEST_CASE("exceptions from timers leave run one a turn, and the rest still runs") {
    ManualClock clock;
    EventLoop loop(with(clock));
    int fired = 0;
    const auto fail = [&] {
        ++fired;
        throw std::runtime_error("timer");
    };
    Timer first(loop, fail);
    Timer second(loop, fail);
    Timer third(loop, [&] { ++fired; });
    first.start(1ms);
    second.start(1ms);
    third.start(1ms);
    clock.advance(1ms);
    CHECK_THROWS_WITH(loop.run_once(0ms), "timer");
    CHECK(fired == 3);
    CHECK_THROWS_WITH(loop.run_once(0ms), "timer");
    CHECK_NOTHROW(loop.run_once(0ms));
    CHECK(fired == 3);
}

TEST_CASE("a timer may start itself again and may destroy itself in its callback") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    EventLoop loop(with(clock));
    int fired = 0;
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(loop, [&] {
        if (++fired == 3) return timer.reset();
        timer->start(1ms);
    });
    timer->start(1ms);
    for (int turn = 0; turn < 10; ++turn) loop.run_once(5ms);
    CHECK(fired == 3);
    CHECK(timer == nullptr);
}
