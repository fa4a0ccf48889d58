// The timer wheel against what it promises, case by case.
#include "core/timer_wheel.hpp"
#include "support/death.hpp"

#include <doctest/doctest.h>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace {

using tidemill::detail::TimerNode;
using tidemill::detail::TimerWheel;
using Nanoseconds = TimerWheel::Nanoseconds;

constexpr Nanoseconds ms = 1'000'000;
constexpr Nanoseconds year = Nanoseconds{365} * 24 * 3600 * 1000 * ms;
constexpr Nanoseconds end_of_time = std::numeric_limits<Nanoseconds>::max();

class Recorder final : public TimerNode {
public:
    Recorder(std::vector<int>& fired, int name) : fired_(fired), name_(name) {}
    void on_timer() noexcept override { fired_.push_back(name_); }

private:
    std::vector<int>& fired_;
    int name_;
};

/// Runs any callable when it fires; cancels itself on destruction as every owner must.
template <class Handler> class Calls final : public TimerNode {
public:
    Calls(TimerWheel& wheel, Handler handler) : wheel_(wheel), handler_(std::move(handler)) {}
    ~Calls() { wheel_.cancel(*this); }
    void on_timer() noexcept override { handler_(*this); }

private:
    TimerWheel& wheel_;
    Handler handler_;
};

using Names = std::vector<int>;

/// Calls expire at each time that the wheel asks for until `fired` grows; answers how often.
int wakeups_until_fired(TimerWheel& wheel, const Names& fired) {
    int wakeups = 0;
    while (fired.empty() && wakeups < 100) {
        wheel.expire(wheel.next_expiry().value());
        ++wakeups;
    }
    return wakeups;
}

} // namespace

TEST_CASE("a timer fires once, not before its deadline rounded up to a tick") {
    struct Case {
        const char* name;
        Nanoseconds start, deadline, due;
    };
    const Case cases[] = {
        {"whole tick", 0, 5 * ms, 5 * ms},
        {"just after a tick", 0, 5 * ms + 1, 6 * ms},
        {"just before a tick", 0, 6 * ms - 1, 6 * ms},
        {"less than a tick away", 700'000, 800'000, ms},
        {"last slot of a level", 0, 63 * ms, 63 * ms},
        {"first slot of the next level", 0, 64 * ms, 64 * ms},
        {"across a digit that carries", 63 * ms, 64 * ms, 64 * ms},
        {"an hour", 17 * ms, 3'600'017 * ms, 3'600'017 * ms},
        {"a century", 3 * ms, 100 * year, 100 * year},
        {"the end of time", 3 * ms, end_of_time, end_of_time},
    };
    for (const Case& c : cases) {
        SUBCASE(c.name) {
            Names fired;
            Recorder timer(fired, 1);
            TimerWheel wheel(c.start);
            wheel.arm(timer, c.deadline);
            CHECK(wheel.next_expiry().value() <= c.due);
            wheel.expire(c.due - 1);
            CHECK(fired.empty());
            CHECK(wheel.next_expiry().value() <= c.due);
            wheel.expire(c.due);
            CHECK(fired == Names{1});
            CHECK_FALSE(timer.armed());
            CHECK(wheel.empty());
            wheel.expire(end_of_time);
            CHECK(fired == Names{1});
        }
    }
}

TEST_CASE("a far deadline costs at most one wake-up for each level and one to fire") {
    for (const Nanoseconds deadline : {ms, 100 * ms, 3'599'999 * ms, year, 290 * year}) {
        CAPTURE(deadline);
        Names fired;
        Recorder timer(fired, 1);
        TimerWheel wheel(1);
        wheel.arm(timer, deadline);
        CHECK(wakeups_until_fired(wheel, fired) <= 8);
        CHECK(fired == Names{1});
    }
}

TEST_CASE("timers of one tick fire in the order of their arming") {
    Names fired;
    TimerWheel wheel(0);
    Recorder first(fired, 1), second(fired, 2), third(fired, 3), fourth(fired, 4);
    wheel.arm(first, 5000 * ms);
    wheel.expire(4095 * ms);
    wheel.arm(second, 5000 * ms - 1);
    wheel.expire(4999 * ms);
    wheel.arm(third, 5000 * ms);
    wheel.arm(fourth, 1);
    wheel.expire(6000 * ms);
    CHECK(fired == Names{4, 1, 2, 3});
}

TEST_CASE("a deadline that has passed fires at the next expire, even of the same time") {
    for (const Nanoseconds deadline : {end_of_time * -1, Nanoseconds{0}, 9 * ms, 9 * ms + 5}) {
        CAPTURE(deadline);
        Names fired;
        Recorder timer(fired, 1);
        TimerWheel wheel(9 * ms + 5);
        wheel.arm(timer, deadline);
        CHECK(fired.empty());
        CHECK(wheel.next_expiry().value() == 9 * ms + 5);
        wheel.expire(9 * ms + 5);
        CHECK(fired == Names{1});
    }
}

TEST_CASE("arming an armed timer moves it, cancelling an idle one does nothing") {
    Names fired;
    Recorder timer(fired, 1);
    TimerWheel wheel(0);
    wheel.cancel(timer);
    CHECK_FALSE(wheel.next_expiry().has_value());
    wheel.arm(timer, 5 * ms);
    wheel.arm(timer, 500 * ms);
    CHECK(wheel.size() == 1);
    wheel.expire(499 * ms);
    CHECK(fired.empty());
    wheel.arm(timer, 700 * ms);
    wheel.arm(timer, 600 * ms);
    wheel.expire(600 * ms);
    CHECK(fired == Names{1});
    wheel.arm(timer, 601 * ms);
    wheel.cancel(timer);
    CHECK_FALSE(wheel.next_expiry().has_value());
    wheel.expire(year);
    CHECK(fired == Names{1});
}

TEST_CASE("time that runs backwards fires nothing and breaks nothing") {
    Names fired;
    Recorder timer(fired, 1);
    TimerWheel wheel(100 * ms);
    wheel.expire(50 * ms);
    wheel.arm(timer, 101 * ms);
    wheel.expire(0);
    CHECK(fired.empty());
    Recorder past(fired, 2);
    wheel.arm(past, 70 * ms);
    CHECK(wheel.next_expiry().value() == 100 * ms);
    wheel.expire(0);
    CHECK(fired == Names{2});
    wheel.expire(101 * ms);
    CHECK(fired == Names{2, 1});
}

TEST_CASE("what a handler arms in the past waits for the next expire") {
    TimerWheel wheel(0);
    int calls = 0;
    Calls timer(wheel, [&](TimerNode& self) {
        ++calls;
        wheel.arm(self, 0);
    });
    wheel.arm(timer, ms);
    for (const int expected : {1, 2, 3}) {
        wheel.expire(10 * ms);
        CHECK(calls == expected);
        CHECK(wheel.next_expiry().value() == 10 * ms);
    }
}

TEST_CASE("a handler may cancel, move and destroy timers that are due with it") {
    Names fired;
    TimerWheel wheel(0);
    Recorder cancelled(fired, 1), moved(fired, 2), last(fired, 4);
    auto victim_handler = [&](TimerNode&) { fired.push_back(3); };
    auto victim = std::make_unique<Calls<decltype(victim_handler)>>(wheel, victim_handler);
    Calls killer(wheel, [&](TimerNode&) {
        wheel.cancel(cancelled);
        wheel.arm(moved, 50 * ms);
        victim.reset();
    });
    wheel.arm(killer, 2 * ms);
    wheel.arm(cancelled, 2 * ms);
    wheel.arm(moved, 3 * ms);
    wheel.arm(*victim, 3 * ms);
    wheel.arm(last, 4 * ms);
    wheel.expire(10 * ms);
    CHECK(fired == Names{4});
    CHECK(wheel.size() == 1);
    wheel.expire(50 * ms);
    CHECK(fired == Names{4, 2});
}

TEST_CASE("a handler may destroy its own timer") {
    TimerWheel wheel(0);
    struct Suicidal final : TimerNode {
        void on_timer() noexcept override { delete this; }
    };
    for (int i = 0; i < 3; ++i) wheel.arm(*new Suicidal, ms);
    wheel.expire(ms);
    CHECK(wheel.empty());
}

TEST_CASE("detaching unarms every timer and calls none, also from a handler") {
    Names fired;
    Recorder near(fired, 1), far(fired, 2), past(fired, 3), due(fired, 4);
    {
        TimerWheel wheel(0);
        Calls detaching(wheel, [&](TimerNode&) { wheel.detach_all(); });
        wheel.arm(detaching, ms);
        wheel.arm(due, 2 * ms);
        wheel.arm(far, year);
        wheel.expire(3 * ms);
        CHECK(wheel.empty());
        CHECK_FALSE(due.armed());
        CHECK_FALSE(far.armed());
        wheel.arm(near, 4 * ms);
        wheel.arm(far, year);
        wheel.arm(past, 0);
    }
    CHECK_FALSE(near.armed());
    CHECK_FALSE(far.armed());
    CHECK_FALSE(past.armed());
    CHECK(fired.empty());
}

TEST_CASE("misuse of a timer stops the program and names the rule") {
    TimerWheel wheel(0);
    Calls nesting(wheel, [&](TimerNode&) { wheel.expire(5 * ms); });
    DIES_WITH("must not run the timers again", [&] {
        wheel.arm(nesting, ms);
        wheel.expire(ms);
    });
    DIES_WITH("cancelled before it is destroyed", [&] {
        Names fired;
        Recorder forgotten(fired, 1);
        wheel.arm(forgotten, ms);
    });
    DIES_WITH("must not be negative", [] { TimerWheel early(-1); });
}
