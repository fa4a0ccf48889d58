// A loop inside a program whose own loop waits: native_handle(), next_timeout(), run_once(0).
#include <doctest/doctest.h>

#include "conformance/support/loopback.hpp"
#include "core/loop_core.hpp"
#include "support/death.hpp"
#include <poll.h>
#include <string>
#include <thread>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

constexpr int ceiling_ms = 5000;

bool has_handle(const EventLoop& loop) { return loop.native_handle() != invalid_socket; }

/// What a host does in each of its turns. False: nothing came for as long as a test may take.
bool host_turn(EventLoop& loop) {
    const Duration timeout = loop.next_timeout();
    const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    const int wait_ms = timeout < Duration::zero() ? ceiling_ms : static_cast<int>(left_ms);
    pollfd watched{loop.native_handle(), POLLIN, 0};
    const int ready = ::poll(&watched, 1, std::min(wait_ms, ceiling_ms));
    loop.run_once(Duration::zero());
    return ready > 0 || wait_ms < ceiling_ms;
}

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read(within(5s));
        if (!chunk || chunk->empty()) co_return;
        if (auto sent = co_await peer.write(*chunk, within(5s)); !sent) co_return;
    }
}

Task<void> ask(EventLoop& loop, Endpoint server, std::string& answer) {
    auto stream = co_await TcpStream::connect(loop, server, within(5s));
    if (!stream) co_return;
    if (auto sent = co_await stream->write("hello", within(5s)); !sent) co_return;
    while (answer.size() < 5) {
        auto chunk = co_await stream->read(within(5s));
        if (!chunk || chunk->empty()) co_return;
        answer.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
    }
}

} // namespace

TEST_CASE("epoll has a native handle, and the others have none") {
    const EventLoop loop;
    CHECK(has_handle(loop) == (std::string_view(loop.selector_name()) == "epoll"));
}

TEST_CASE("a loop is served by a host that polls its native handle for its next timeout") {
    EventLoop loop;
    auto server = Server::listen(loop, "127.0.0.1:0");
    REQUIRE(server.has_value());
    server->serve(echo);
    TaskScope scope(loop);
    std::string answer;
    int ticks = 0;
    scope.spawn(ask(loop, server->endpoint(), answer));
    scope.spawn([](int& count) -> Task<void> {
        for (; count < 3; ++count) co_await sleep(2ms);
    }(ticks));
    if (!has_handle(loop)) { // such a host can only ask again and again
        const auto start = detail::steady_clock().now();
        while ((answer.size() < 5 || ticks < 3) && detail::steady_clock().now() - start < 5s)
            loop.run_once(Duration::zero());
    } else {
        while ((answer.size() < 5 || ticks < 3) && host_turn(loop)) continue;
    }
    CHECK(answer == "hello");
    CHECK(ticks == 3);
}

TEST_CASE(
    "the next timeout is zero for work, at most the time to the next timer, or without limit") {
    testing::ManualClock clock;
    LoopOptions options;
    options.clock = &clock;
    EventLoop loop(options);
    CHECK(loop.next_timeout() < Duration::zero());
    Timer timer(loop, [] {});
    timer.start(10s);
    CHECK(loop.next_timeout() > Duration::zero());
    CHECK(loop.next_timeout() <= 10s + 1ms);
    clock.advance(4s);
    CHECK(loop.next_timeout() > Duration::zero());
    CHECK(loop.next_timeout() <= 6s + 1ms);
    clock.advance(7s);
    CHECK(loop.next_timeout() == Duration::zero());
    loop.run_once(Duration::zero());
    CHECK(loop.next_timeout() < Duration::zero());
    REQUIRE(loop.post([] {}));
    CHECK(loop.next_timeout() == Duration::zero());
}

TEST_CASE("a post of another thread makes the handle readable once the next timeout was asked") {
    EventLoop loop;
    CHECK(loop.next_timeout() < Duration::zero());
    int received = 0;
    std::thread poster([&] { CHECK(loop.post([&] { ++received; })); });
    if (has_handle(loop)) {
        while (received == 0 && host_turn(loop)) continue;
    }
    poster.join();
    CHECK((received == 1 || loop.next_timeout() == Duration::zero()));
    loop.run_once(Duration::zero());
    CHECK(received == 1);
}

TEST_CASE("a post that came before the next timeout was asked makes it zero") {
    EventLoop loop;
    std::thread([&] { CHECK(loop.post([] {})); }).join();
    CHECK(loop.next_timeout() == Duration::zero());
}

TEST_CASE("asking for the next timeout inside of a turn is misuse") {
    EventLoop loop;
    REQUIRE(loop.post([&] {
        DIES_WITH("not run from inside itself", [&] { static_cast<void>(loop.next_timeout()); });
    }));
    loop.run_once(Duration::zero());
}
