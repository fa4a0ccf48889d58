// Where the order of a turn shows in what a TCP stream does.
#include <doctest/doctest.h>

#include "core/sockets.hpp"
#include <string_view>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

// The clock stands still, so connecting cannot time out; the test's own ceiling is ctest's.
struct TcpPair {
    explicit TcpPair(EventLoop& loop) : listener(or_throw(TcpListener::listen(loop, any_port()))) {
        TaskScope scope(loop);
        bool is_connected = false;
        scope.spawn([&]() -> Task<void> {
            near = or_throw(co_await TcpStream::connect(loop, listener->endpoint()));
            far = or_throw(co_await listener->accept());
            is_connected = true;
        });
        while (!is_connected) loop.run_once(10ms);
        REQUIRE(near.is_open());
    }
    static Endpoint any_port() { return Endpoint::parse("127.0.0.1:0").value(); }

    std::unique_ptr<TcpListener> listener;
    TcpStream near;
    TcpStream far;
};

constexpr std::string_view one_byte = "x";

} // namespace

TEST_CASE("input that is there beats a deadline that passed while the loop was stalled") {
    ManualClock clock;
    LoopOptions options;
    options.clock = &clock;
    EventLoop loop(options);
    TcpPair pair(loop);
    TaskScope scope(loop);
    std::size_t got = 0;
    scope.spawn([&]() -> Task<void> {
        const auto chunk = co_await pair.near.read(within(30s));
        CHECK(chunk.has_value());
        if (chunk) got = chunk->size();
    });
    scope.spawn([&]() -> Task<void> { CHECK(co_await pair.far.write(one_byte)); });
    clock.advance(40s);
    while (!scope.empty()) loop.run_once(10ms);
    CHECK(got == 1);
}

TEST_CASE("a deadline that passed ends a read for which nothing has come") {
    ManualClock clock;
    LoopOptions options;
    options.clock = &clock;
    EventLoop loop(options);
    TcpPair pair(loop);
    TaskScope scope(loop);
    bool has_expired = false;
    scope.spawn([&]() -> Task<void> {
        const auto chunk = co_await pair.near.read(within(30s));
        has_expired = !chunk && chunk.error() == Errc::deadline_expired;
    });
    clock.advance(30s - 1ms);
    loop.run_once(0ms);
    CHECK_FALSE(has_expired);
    clock.advance(1ms);
    loop.run_once(0ms);
    CHECK(has_expired);
}

TEST_CASE("what a timer writes is sent in its own turn") {
    ManualClock clock;
    LoopOptions options;
    options.clock = &clock;
    EventLoop loop(options);
    TcpPair pair(loop);
    TaskScope scope(loop);
    Timer timer(loop, [&] {
        scope.spawn([&]() -> Task<void> { CHECK(co_await pair.near.write(one_byte)); });
    });
    timer.start(1ms);
    clock.advance(1ms);
    loop.run_once(0ms);
    std::byte byte{};
    const std::span into(&byte, 1);
    CHECK(detail::native_sockets().receive(pair.far.native_handle(), into).bytes == 1);
    CHECK(byte == std::byte{'x'});
}
