// One UDP address for all loops of a pool.
#include <doctest/doctest.h>

#include "core/sockets.hpp"
#include "support/echo_service.hpp"
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t loop_count = 3;

/// Answers each datagram with the number of its loop.
Task<void> answer(UdpSocket& socket, std::string name) {
    for (;;) {
        const auto asked = co_await socket.receive(within(20s));
        if (!asked) co_return;
        const auto answered = co_await socket.send(name, asked->sender);
        static_cast<void>(answered);
    }
}

Task<std::string> ask(UdpSocket& client) {
    const auto sent = co_await client.send("who are you?");
    if (!sent) co_return "unsent";
    const auto heard = co_await client.receive(within(5s));
    co_return heard ? std::string(heard->payload.text()) : heard.error().message();
}

/// What each of `peers` heard, in each of three rounds.
Task<void> ask_all(EventLoop& loop, Endpoint server, int peers,
                   std::map<int, std::set<std::string>>& heard) {
    std::vector<std::unique_ptr<UdpSocket>> clients;
    for (int i = 0; i < peers; ++i) clients.push_back(or_throw(UdpSocket::connect(loop, server)));
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < peers; ++i) {
            std::string answer = co_await ask(*clients[static_cast<std::size_t>(i)]);
            heard[i].insert(std::move(answer));
        }
}

} // namespace

TEST_CASE("datagrams of many peers are all answered, each peer by the same loop of a pool") {
    constexpr int peers = 60;
    LoopPool pool(pool_of(loop_count));
    PoolUdp shared = or_throw(PoolUdp::bind(pool, "127.0.0.1:0"));
    REQUIRE(shared.endpoint().port() != 0);
    CHECK(shared.sockets() == (detail::shared_ports_are_balanced() ? loop_count : 1));
    std::map<int, std::set<std::string>> heard;
    std::atomic<std::size_t> with_socket = 0;
    pool.run([&](PoolLoop& here) -> Task<void> {
        const auto socket = shared.socket_on(here);
        const auto again = shared.socket_on(here);
        CHECK(again == nullptr);
        TaskScope scope(here.loop(), "answers");
        if (socket != nullptr) {
            ++with_socket;
            scope.spawn(answer(*socket, std::to_string(here.index())));
        }
        if (here.index() == 0) {
            co_await ask_all(here.loop(), shared.endpoint(), peers, heard);
            pool.stop();
        }
        static_cast<void>(co_await here.stop_requested(within(20s)));
    });
    CHECK(with_socket == shared.sockets());
    std::set<std::string> loops;
    REQUIRE(heard.size() == peers);
    for (const auto& each : heard) {
        const std::set<std::string>& answers = each.second;
        INFO("peer ", each.first);
        REQUIRE(answers.size() == 1);
        CHECK(answers.begin()->size() == 1); // the number of a loop, and no error
        loops.insert(*answers.begin());
    }
    // The kernel hashes the ports: that one of three gets none of 60 happens once in 1e10.
    CHECK(loops.size() == shared.sockets());
}

TEST_CASE("a UDP port that is taken is an error that names it, for a pool too") {
    const LoopPool pool(pool_of(loop_count));
    EventLoop loop;
    const auto first = or_throw(UdpSocket::bind(loop, Endpoint(IpAddress::loopback_v4(), 0)));
    const auto second = PoolUdp::bind(pool, first->endpoint());
    REQUIRE(!second);
    CHECK(second.error() == std::errc::address_in_use);
    CHECK(second.error().message().find(first->endpoint().to_string()) != std::string::npos);
    const PoolUdp shared = or_throw(PoolUdp::bind(pool, "127.0.0.1:0"));
    const auto third = PoolUdp::bind(pool, shared.endpoint());
    REQUIRE(!third);
    CHECK(third.error() == std::errc::address_in_use);
}

TEST_CASE("UDP sockets that no loop of a pool has taken are closed with their owner") {
    const LoopPool pool(pool_of(loop_count));
    Endpoint endpoint;
    {
        const PoolUdp shared = or_throw(PoolUdp::bind(pool, "127.0.0.1:0"));
        endpoint = shared.endpoint();
    }
    EventLoop loop;
    CHECK(UdpSocket::bind(loop, endpoint));
}
