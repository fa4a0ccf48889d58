// What happens while somebody waits on a UDP socket, and when nobody does: deadlines, errors that
// the network sends back, readiness with nothing behind it, and the end of things.
#include "core/loop_core.hpp"
#include "net/udp_support.hpp"

#include <array>

namespace tidemill {

using namespace udp_test;

TEST_CASE("send to a dead port, wait for a datagram within 200 ms: timed out, not before") {
    Pair pair;
    REQUIRE(pair.loop.run(Pair::send(*pair.near, "anybody?", dead_port(pair.loop))));
    const auto began = std::chrono::steady_clock::now();
    const auto got = pair.near_receives(within(200ms));
    const auto took = std::chrono::steady_clock::now() - began;
    REQUIRE_FALSE(got);
    CHECK(got.error() == Errc::deadline_expired);
    CHECK(got.error() == std::errc::timed_out);
    // The loop's own time, from which a deadline counts, may be a millisecond old.
    CHECK(took >= 199ms);
}

TEST_CASE("send to a dead port: a live peer's datagram sent meanwhile is received") {
    StoppedClock clock;
    LoopOptions options;
    options.clock = &clock;
    Pair pair(any_port_v4, {}, options);
    REQUIRE(pair.loop.run(Pair::send(*pair.near, "anybody?", dead_port(pair.loop))));
    Waiting waiting(pair.loop, *pair.near, within(200ms));
    turn(pair.loop, 3);
    clock.advance(199ms);
    turn(pair.loop, 3);
    CHECK(waiting.resumptions == 0);
    pair.far_sends("me");
    turn_until(pair.loop, [&] { return waiting.result.has_value(); });
    REQUIRE(*waiting.result);
    CHECK((*waiting.result)->payload.text() == "me");
    CHECK(waiting.resumptions == 1);
}

TEST_CASE("a receive expires at its deadline and not a millisecond before") {
    StoppedClock clock;
    LoopOptions options;
    options.clock = &clock;
    Pair pair(any_port_v4, {}, options);
    Waiting waiting(pair.loop, *pair.near, within(200ms));
    clock.advance(199ms);
    turn(pair.loop, 3);
    CHECK(waiting.resumptions == 0);
    clock.advance(1ms);
    turn(pair.loop, 3);
    REQUIRE(waiting.resumptions == 1);
    CHECK(waiting.result->error() == Errc::deadline_expired);
    pair.far_sends("later");
    CHECK(pair.near_receives()->payload.text() == "later");
}

TEST_CASE("a datagram that is there beats a deadline that passed while the loop was busy") {
    StoppedClock clock;
    LoopOptions options;
    options.clock = &clock;
    options.events_per_turn = 1; // the event of another socket takes the turn
    Pair pair(any_port_v4, {}, options);
    Waiting first(pair.loop, *pair.far);
    Waiting second(pair.loop, *pair.near, within(1s));
    const auto sender = or_throw(UdpSocket::bind(pair.loop, any_port_v4));
    REQUIRE(pair.loop.run(Pair::send(*sender, "x", pair.far->endpoint())));
    REQUIRE(pair.loop.run(Pair::send(*sender, "y", pair.near->endpoint())));
    clock.advance(40s);
    turn_until(pair.loop, [&] { return second.result.has_value(); });
    CHECK(second.result->has_value());
}

TEST_CASE("a refused datagram is one error of a connected socket, which then goes on") {
    EventLoop loop;
    auto peer = or_throw(UdpSocket::bind(loop, any_port_v4));
    const Endpoint place = peer->endpoint();
    const auto socket = or_throw(UdpSocket::connect(loop, place));
    peer.reset();
    const auto talk = [&]() -> Task<void> {
        CHECK(co_await socket->send("anybody?"));
        const auto refused = co_await socket->receive(within(ceiling));
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == std::errc::connection_refused);
        peer = or_throw(UdpSocket::bind(loop, place));
        CHECK(co_await socket->send("now?"));
        CHECK((co_await peer->receive(within(ceiling)))->payload.text() == "now?");
        CHECK(co_await peer->send("yes", socket->endpoint()));
        CHECK((co_await socket->receive(within(ceiling)))->payload.text() == "yes");
    };
    loop.run(talk());
}

TEST_CASE("an unconnected socket is not told of refused datagrams") {
    Pair pair;
    const Endpoint nobody = dead_port(pair.loop);
    for (int i = 0; i < 3; ++i) REQUIRE(pair.loop.run(Pair::send(*pair.near, "anybody?", nobody)));
    pair.far_sends("me");
    CHECK(pair.near_receives()->payload.text() == "me");
}

TEST_CASE("a queued error for which nobody waits does not make the loop spin") {
    EventLoop loop;
    const auto socket = or_throw(UdpSocket::connect(loop, dead_port(loop)));
    {
        Waiting waiting(loop, *socket); // makes the selector watch the socket
        turn(loop);
    }
    REQUIRE(loop.run(Pair::send(*socket, "", {})).error() == std::errc::already_connected);
    const auto send = [&]() -> Task<Result<void>> { co_return co_await socket->send("anybody?"); };
    REQUIRE(loop.run(send()));
    const auto before = loop.counters().events;
    turn(loop, 1000);
    CHECK(loop.counters().events - before <= 2);
    const auto refused = loop.run(Pair::receive(*socket, within(ceiling)));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::connection_refused);
}

TEST_CASE("datagrams for which nobody waits do not make the loop spin, and are kept") {
    Pair pair;
    {
        Waiting waiting(pair.loop, *pair.near);
        turn(pair.loop);
    }
    pair.far_sends("1");
    pair.far_sends("2");
    const auto before = pair.loop.counters().events;
    turn(pair.loop, 1000);
    CHECK(pair.loop.counters().events - before <= 2);
    CHECK(pair.near_receives()->payload.text() == "1");
    CHECK(pair.near_receives()->payload.text() == "2");
}

TEST_CASE("readiness with nothing behind it is harmless: the wait goes on") {
    Pair pair;
    Waiting waiting(pair.loop, *pair.near, within(ceiling));
    turn(pair.loop);
    pair.far_sends("stolen");
    // The datagram goes to somebody else, and then the socket is said to be readable.
    std::array<std::byte, 16> memory;
    REQUIRE(detail::native_sockets().receive_from(pair.near->native_handle(), memory).bytes == 6);
    detail::LoopCore& core = pair.loop.core();
    for (std::uint32_t slot = 0; slot < 2; ++slot) core.find(core.token(slot))->on_readable();
    CHECK(waiting.resumptions == 0);
    pair.far_sends("kept");
    turn_until(pair.loop, [&] { return waiting.result.has_value(); });
    CHECK((*waiting.result)->payload.text() == "kept");
}

TEST_CASE("closing a socket ends its waiters as cancelled, later") {
    Pair pair;
    Waiting waiting(pair.loop, *pair.near);
    pair.near->close();
    CHECK(waiting.resumptions == 0);
    turn(pair.loop);
    REQUIRE(waiting.resumptions == 1);
    CHECK(waiting.result->error() == Errc::cancelled);
    CHECK(pair.near_receives().error() == Errc::closed_locally);
    const auto sent = pair.loop.run(Pair::send(*pair.near, "x", pair.far->endpoint()));
    CHECK(sent.error() == Errc::closed_locally);
}

TEST_CASE("destroying a socket under a waiting task ends the wait as cancelled") {
    Pair pair;
    Waiting waiting(pair.loop, *pair.near);
    pair.near.reset();
    turn(pair.loop);
    REQUIRE(waiting.resumptions == 1);
    CHECK(waiting.result->error() == Errc::cancelled);
}

TEST_CASE("a task that is destroyed while it waits loses no datagram") {
    Pair pair;
    {
        Waiting waiting(pair.loop, *pair.near, within(ceiling));
        turn(pair.loop);
        pair.far_sends("for the next");
    }
    CHECK(pair.near_receives()->payload.text() == "for the next");
}

TEST_CASE("a loop that goes before its UDP sockets resumes nobody") {
    std::optional<EventLoop> loop(std::in_place);
    const auto socket = or_throw(UdpSocket::bind(*loop, any_port_v4));
    Waiting waiting(*loop, *socket, within(ceiling));
    loop.reset();
    CHECK(waiting.resumptions == 0);
    CHECK_FALSE(socket->is_open());
}

} // namespace tidemill
