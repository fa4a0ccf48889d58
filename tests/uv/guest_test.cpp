// What a guest does in the host's loop.
#include "uv/host.hpp"

#include "conformance/support/loopback.hpp"
#include "core/loop_core.hpp"
#include <string>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/uv/guest.hpp>

namespace {

using namespace tidemill;
using namespace tidemill::uv_tests;
using conformance::LoopbackPair;
using conformance::send_all;
using tidemill::uv::Guest;

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read(within(5s));
        if (!chunk || chunk->empty()) co_return;
        if (auto sent = co_await peer.write(*chunk, within(5s)); !sent) co_return;
    }
}

/// Sends `messages` and reads each one back; the count of those that came back as they were.
Task<void> converse(EventLoop& loop, Endpoint server, int messages, int& answered) {
    auto stream = co_await TcpStream::connect(loop, server, within(5s));
    if (!stream) co_return;
    for (int i = 0; i < messages; ++i) {
        const std::string text = "message " + std::to_string(i);
        auto sent = co_await stream->write(text, within(5s));
        if (!sent) co_return;
        std::string answer;
        while (answer.size() < text.size()) {
            auto chunk = co_await stream->read(within(5s));
            if (!chunk || chunk->empty()) co_return;
            answer.append(reinterpret_cast<const char*>(chunk->data()), chunk->size());
        }
        if (answer == text) ++answered;
    }
    co_await stream->close_gracefully(within(5s));
}

Task<void> set_after(Duration delay, bool& done) {
    co_await sleep(delay);
    done = true;
}

Task<void> yield_for_ever(std::uint64_t& times) {
    for (;;) {
        co_await sleep(0ms);
        ++times;
    }
}

TEST_CASE("a guest's server and client talk to each other while the host runs, and then it ends") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    auto server = Server::listen(guest.loop(), "127.0.0.1:0");
    REQUIRE(server.has_value());
    server->serve(echo);
    TaskScope scope(guest.loop());
    int answered = 0;
    scope.spawn([](EventLoop& loop, Server& own, int& count) -> Task<void> {
        co_await converse(loop, own.endpoint(), 200, count);
        own.stop();
    }(guest.loop(), *server, answered));
    CHECK(host.run() == 0); // nothing is left to wait for
    CHECK(answered == 200);
    CHECK_FALSE(ceiling.is_reached());
    CHECK(guest.loop().counters().open_sockets == 0);
    CHECK(std::string_view(guest.loop().selector_name()) == "uv");
}

TEST_CASE("a guest that never rests does not starve the host") {
    Host host;
    Guest guest(host.loop());
    TaskScope scope(guest.loop());
    std::uint64_t yields = 0;
    scope.spawn(yield_for_ever(yields));
    HostTimer ticks(host);
    int ticked = 0;
    ticks.start(
        1ms,
        [&] {
            if (++ticked == 20) host.stop();
        },
        true);
    std::uint64_t own = 0;
    HostIdle idle(host, [&] { ++own; });
    host.run();
    CHECK(ticked == 20);
    CHECK(yields >= 20);
    CHECK(own + 1 >= guest.loop().counters().turns); // both had every turn
}

TEST_CASE("a host that never rests does not starve the guest") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    std::uint64_t own = 0;
    HostIdle idle(host, [&] { ++own; });
    auto server = Server::listen(guest.loop(), "127.0.0.1:0");
    REQUIRE(server.has_value());
    server->serve(echo);
    TaskScope scope(guest.loop());
    int answered = 0;
    bool slept = false;
    scope.spawn(
        [](EventLoop& loop, Server& echoes, int& count, HostIdle& busy, bool& done) -> Task<void> {
            co_await converse(loop, echoes.endpoint(), 50, count);
            co_await set_after(2ms, done);
            echoes.stop();
            busy.stop();
        }(guest.loop(), *server, answered, idle, slept));
    CHECK(host.run() == 0);
    CHECK(answered == 50);
    CHECK(slept);
    CHECK(own > 50);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("bytes before a reset reach a guest's reader, and then the reset") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    LoopbackPair pair;
    TcpStream stream(guest.loop().core(), pair.near.release());
    std::string trace;
    TaskScope scope(guest.loop());
    scope.spawn([](TcpStream& own, std::string& told) -> Task<void> {
        for (;;) {
            auto chunk = co_await own.read(within(5s));
            if (!chunk) {
                told += chunk.error() == std::errc::connection_reset ? "reset" : "other";
                break;
            }
            told += std::to_string(chunk->size()) + " ";
        }
        own.abort();
    }(stream, trace));
    host.run(UV_RUN_NOWAIT); // it waits in the selector by now
    send_all(pair.far.get(), "last words");
    pair.far.close_with_reset();
    CHECK(host.run() == 0);
    CHECK(trace == "10 reset");
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("with one event a turn, every ready socket of a guest has its turn") {
    Host host;
    const Ceiling ceiling(host);
    LoopOptions options;
    options.events_per_turn = 1;
    Guest guest(host.loop(), options);
    std::vector<std::unique_ptr<UdpSocket>> sockets;
    TaskScope scope(guest.loop());
    int received = 0;
    for (int i = 0; i < 5; ++i) {
        auto socket = UdpSocket::bind(guest.loop(), *Endpoint::parse("127.0.0.1:0"));
        REQUIRE(socket.has_value());
        sockets.push_back(std::move(*socket));
        scope.spawn([](UdpSocket& own, int& count) -> Task<void> {
            auto datagram = co_await own.receive(within(5s));
            if (datagram) ++count;
            own.close();
        }(*sockets.back(), received));
    }
    host.run(UV_RUN_NOWAIT);
    const conformance::OwnedSocket sender = conformance::bound_socket(detail::SocketKind::datagram);
    for (const auto& each : sockets) {
        const Endpoint to = each->endpoint();
        REQUIRE(detail::native_sockets().send_to(sender.get(), {}, &to).bytes == 0);
    }
    CHECK(host.run() == 0);
    CHECK(received == 5);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("a replaced clock serves a guest as it serves a loop") {
    Host host;
    const Ceiling ceiling(host);
    testing::ManualClock clock(testing::ManualClock::WhenIdle::move_on);
    LoopOptions options;
    options.clock = &clock;
    Guest guest(host.loop(), options);
    TaskScope scope(guest.loop());
    bool done = false;
    scope.spawn(set_after(std::chrono::hours(10), done));
    CHECK(host.run() == 0);
    CHECK(done);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("two guests share a host") {
    Host host;
    const Ceiling ceiling(host);
    Guest one(host.loop());
    Guest other(host.loop());
    auto server = Server::listen(one.loop(), "127.0.0.1:0");
    REQUIRE(server.has_value());
    server->serve(echo);
    TaskScope scope(other.loop());
    int answered = 0;
    scope.spawn([](EventLoop& loop, Server& echoes, int& count) -> Task<void> {
        co_await converse(loop, echoes.endpoint(), 20, count);
        echoes.stop();
    }(other.loop(), *server, answered));
    CHECK(host.run() == 0);
    CHECK(answered == 20);
    CHECK_FALSE(ceiling.is_reached());
}

} // namespace
