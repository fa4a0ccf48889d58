// Signals: what is taken, what is given back, and what never happens.
#include "support/death.hpp"

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <tidemill/tidemill.hpp>
#include <unistd.h>

namespace tidemill {
namespace {

using namespace std::chrono_literals;
constexpr Duration ceiling = 5s;

Task<Result<Signal>> next(Signals& signals, Deadline deadline = within(ceiling)) {
    co_return co_await signals.next(deadline);
}

struct sigaction action_of(int number) {
    struct sigaction action {};
    REQUIRE(::sigaction(number, nullptr, &action) == 0);
    return action;
}

// Not by memory: the system fills in a part of the mask only.
bool same(const struct sigaction& a, const struct sigaction& b) {
    bool masks_are = true;
    for (int number = 1; number < 32; ++number)
        masks_are =
            masks_are && ::sigismember(&a.sa_mask, number) == ::sigismember(&b.sa_mask, number);
    return masks_are && a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags;
}

} // namespace

TEST_CASE("each signal is given by its own name") {
    struct Case {
        Signal signal;
        int number;
        const char* name;
    };
    const Case cases[] = {
        {Signal::interrupt, SIGINT, "SIGINT"},    {Signal::terminate, SIGTERM, "SIGTERM"},
        {Signal::hangup, SIGHUP, "SIGHUP"},       {Signal::quit, SIGQUIT, "SIGQUIT"},
        {Signal::user1, SIGUSR1, "SIGUSR1"},      {Signal::user2, SIGUSR2, "SIGUSR2"},
        {Signal::broken_pipe, SIGPIPE, "SIGPIPE"}};
    for (const Case& one : cases) {
        CAPTURE(one.name);
        EventLoop loop;
        Signals signals(loop, {one.signal});
        ::raise(one.number);
        const auto got = loop.run(next(signals));
        REQUIRE(got);
        CHECK(*got == one.signal);
        CHECK(name_of(*got) == std::string(one.name));
    }
}

TEST_CASE("a signal wakes a loop that waits for it, from any thread") {
    EventLoop loop;
    Signals signals(loop, {Signal::terminate});
    std::thread sender([] { ::kill(::getpid(), SIGTERM); });
    const auto got = loop.run(next(signals));
    sender.join();
    CHECK(got == Signal::terminate);
}

TEST_CASE("a signal that comes several times before it is asked for counts once") {
    EventLoop loop;
    Signals signals(loop, {Signal::user1, Signal::hangup});
    for (int i = 0; i < 3; ++i) ::raise(SIGUSR1);
    ::raise(SIGHUP);
    CHECK(loop.run(next(signals)) == Signal::hangup);
    CHECK(loop.run(next(signals)) == Signal::user1);
    const auto none = loop.run(next(signals, within(0s)));
    REQUIRE_FALSE(none);
    CHECK(none.error() == Errc::deadline_expired);
}

TEST_CASE("a signal for which nobody waits does not make the loop spin, and is kept") {
    EventLoop loop;
    Signals signals(loop, {Signal::user1});
    ::raise(SIGUSR1);
    const auto before = loop.counters().events;
    for (int i = 0; i < 1000; ++i) loop.run_once(0s);
    CHECK(loop.counters().events - before <= 2);
    CHECK(loop.run(next(signals)) == Signal::user1);
}

TEST_CASE("only the named signals are taken, and their actions come back") {
    const auto interrupt = action_of(SIGINT);
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    ignored.sa_flags = SA_RESTART;
    REQUIRE(::sigaction(SIGUSR1, &ignored, nullptr) == 0);
    const auto user1 = action_of(SIGUSR1);
    {
        EventLoop loop;
        const Signals signals(loop, {Signal::user1, Signal::user1, Signal::hangup});
        CHECK_FALSE(same(action_of(SIGUSR1), user1));
        CHECK(same(action_of(SIGINT), interrupt));
    }
    CHECK(same(action_of(SIGUSR1), user1));
    std::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("the actions come back when the loop goes first") {
    const auto before = action_of(SIGHUP);
    std::optional<EventLoop> loop(std::in_place);
    Signals signals(*loop, {Signal::hangup});
    TaskScope scope(*loop);
    int resumptions = 0;
    const auto wait = [&]() -> Task<void> {
        static_cast<void>(co_await signals.next());
        ++resumptions;
    };
    scope.spawn(wait);
    loop.reset();
    CHECK(resumptions == 0);
    CHECK(same(action_of(SIGHUP), before));
}

TEST_CASE("a handler that somebody has put on top stays") {
    struct sigaction other {};
    other.sa_handler = SIG_IGN;
    {
        EventLoop loop;
        const Signals signals(loop, {Signal::user2});
        REQUIRE(::sigaction(SIGUSR2, &other, nullptr) == 0);
    }
    CHECK((action_of(SIGUSR2).sa_handler == SIG_IGN));
    std::signal(SIGUSR2, SIG_DFL);
}

TEST_CASE("a signal can be taken again after its Signals is gone, and nothing old is left") {
    EventLoop loop;
    {
        const Signals first(loop, {Signal::user1});
        ::raise(SIGUSR1);
    }
    Signals second(loop, {Signal::user1});
    CHECK(loop.run(next(second, within(0s))).error() == Errc::deadline_expired);
    ::raise(SIGUSR1);
    CHECK(loop.run(next(second)) == Signal::user1);
}

TEST_CASE("two loops take different signals, and each hears its own") {
    EventLoop a;
    EventLoop b;
    Signals hangup(a, {Signal::hangup});
    Signals user(b, {Signal::user1});
    ::raise(SIGUSR1);
    CHECK(a.run(next(hangup, within(0s))).error() == Errc::deadline_expired);
    CHECK(b.run(next(user)) == Signal::user1);
}

TEST_CASE("cancelling the wait for a signal, and destroying what is waited on, is `cancelled`") {
    EventLoop loop;
    std::optional<Signals> signals(std::in_place, loop,
                                   std::initializer_list<Signal>{Signal::user1});
    TaskScope scope(loop);
    std::optional<Result<Signal>> result;
    const auto wait = [&]() -> Task<void> { result = co_await signals->next(); };
    for (const bool destroys : {false, true}) {
        result.reset();
        scope.spawn(wait);
        if (destroys) {
            signals.reset();
        } else {
            signals->cancel();
        }
        CHECK_FALSE(result.has_value());
        loop.run_once(0s);
        REQUIRE(result.has_value());
        CHECK(result->error() == Errc::cancelled);
    }
}

TEST_CASE("a signal for a child process is not taken for one's own") {
    EventLoop loop;
    Signals signals(loop, {Signal::user1});
    const auto child = support::death_of([] { ::raise(SIGUSR1); });
    CHECK_FALSE(child.aborted);
    CHECK(loop.run(next(signals, within(0s))).error() == Errc::deadline_expired);
}

TEST_CASE("a signal that two Signals name is misuse") {
    DIES_WITH("a signal belongs to one Signals object at a time", [] {
        EventLoop loop;
        const Signals first(loop, {Signal::user1, Signal::hangup});
        const Signals second(loop, {Signal::hangup});
    });
}

TEST_CASE("a second wait for signals at once is misuse") {
    DIES_WITH("waited for by one task at a time", [] {
        EventLoop loop;
        Signals signals(loop, {Signal::user1});
        TaskScope scope(loop);
        const auto wait = [&]() -> Task<void> { static_cast<void>(co_await signals.next()); };
        scope.spawn(wait);
        scope.spawn(wait);
    });
}

TEST_CASE("sockets never touch SIGPIPE, and writing to a peer that is gone does not raise it") {
    std::signal(SIGPIPE, SIG_DFL); // deadly, should it come
    const auto before = action_of(SIGPIPE);
    EventLoop loop;
    const auto talk = [&]() -> Task<void> {
        const Endpoint any_port(IpAddress::loopback_v4(), 0);
        const auto listener = or_throw(TcpListener::listen(loop, any_port));
        auto client = or_throw(co_await TcpStream::connect(loop, listener->endpoint()));
        auto server = or_throw(co_await listener->accept());
        server.abort();
        CHECK((co_await client.read(within(ceiling))).error() == std::errc::connection_reset);
        CHECK_FALSE(co_await client.write("to nobody"));

        const auto socket = or_throw(UdpSocket::bind(loop, any_port));
        const auto dead = or_throw(UdpSocket::bind(loop, any_port))->endpoint();
        for (int i = 0; i < 3; ++i) CHECK(co_await socket->send("to nobody", dead));
    };
    loop.run(talk());
    CHECK(same(action_of(SIGPIPE), before));
}

} // namespace tidemill
