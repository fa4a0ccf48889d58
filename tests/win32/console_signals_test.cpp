// Console control events as signals: what the system's handler makes of them. That the system calls
// it at all is shown by the echo server, which CI ends that way.
#include "support/death.hpp"
#include "win32/console_signals.hpp"

#include <chrono>
#include <thread>
#include <tidemill/tidemill.hpp>

namespace tidemill {
namespace {

using namespace std::chrono_literals;
using detail::on_console_event;
constexpr Duration ceiling = 5s;

Task<Result<Signal>> next(Signals& signals, Deadline deadline = within(ceiling)) {
    co_return co_await signals.next(deadline);
}

} // namespace

TEST_CASE("each console event is the signal that comes nearest to it") {
    EventLoop loop;
    Signals signals(loop, {Signal::interrupt, Signal::terminate, Signal::hangup});
    struct {
        DWORD event;
        Signal signal;
        bool is_last;
    } const cases[] = {{CTRL_C_EVENT, Signal::interrupt, false},
                       {CTRL_BREAK_EVENT, Signal::terminate, false},
                       {CTRL_CLOSE_EVENT, Signal::hangup, true},
                       {CTRL_LOGOFF_EVENT, Signal::terminate, true},
                       {CTRL_SHUTDOWN_EVENT, Signal::terminate, true}};
    for (const auto& one : cases) {
        CAPTURE(one.event);
        CHECK(on_console_event(one.event));
        CHECK(loop.run(next(signals)).value() == one.signal);
        CHECK(detail::is_last_event(one.event) == one.is_last);
    }
}

TEST_CASE("an event that nobody has taken is left to the system") {
    CHECK_FALSE(on_console_event(CTRL_C_EVENT));
    EventLoop loop;
    {
        const Signals signals(loop, {Signal::terminate, Signal::user1});
        CHECK_FALSE(on_console_event(CTRL_C_EVENT));
        CHECK_FALSE(on_console_event(CTRL_CLOSE_EVENT));
        CHECK(on_console_event(CTRL_BREAK_EVENT));
    }
    CHECK_FALSE(on_console_event(CTRL_BREAK_EVENT));
}

TEST_CASE("a console event wakes a loop that waits for it, from any thread") {
    EventLoop loop;
    Signals signals(loop, {Signal::interrupt});
    std::thread system([] { CHECK(on_console_event(CTRL_C_EVENT)); });
    CHECK(loop.run(next(signals)).value() == Signal::interrupt);
    system.join();
}

TEST_CASE("a console event for which nobody waits does not make the loop spin, and is kept") {
    EventLoop loop;
    Signals signals(loop, {Signal::interrupt});
    for (int i = 0; i < 3; ++i) CHECK(on_console_event(CTRL_C_EVENT));
    for (int i = 0; i < 100; ++i) loop.run_once(0ms);
    CHECK(loop.counters().events <= 1);
    CHECK(loop.run(next(signals)).value() == Signal::interrupt);
    CHECK(loop.run(next(signals, within(0ms))).error() == Errc::deadline_expired);
}

TEST_CASE("two loops take different console events, and each hears its own") {
    EventLoop one_loop;
    EventLoop other_loop;
    Signals one(one_loop, {Signal::interrupt});
    Signals other(other_loop, {Signal::terminate});
    CHECK(on_console_event(CTRL_BREAK_EVENT));
    CHECK(other_loop.run(next(other)).value() == Signal::terminate);
    CHECK(one_loop.run(next(one, within(0ms))).error() == Errc::deadline_expired);
}

TEST_CASE("an event that two Signals name is misuse") {
    DIES_WITH("a signal belongs to one Signals object at a time", [] {
        EventLoop loop;
        const Signals first(loop, {Signal::interrupt});
        const Signals second(loop, {Signal::interrupt});
    });
}

} // namespace tidemill
