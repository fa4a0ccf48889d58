// The ICMP policy on systems that tell of refused datagrams by failing calls only.
#include "core/loop_core.hpp"
#include "net/udp_support.hpp"
#include "support/forwarding_sockets.hpp"

namespace tidemill {

using namespace udp_test;

namespace {

// Fails as Windows does: a receive or a send meets the news, once for each.
class BluntSockets final : public support::ForwardingSockets {
public:
    [[nodiscard]] detail::DatagramFeatures datagram_features() const noexcept override {
        return {};
    }
    detail::DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) override {
        if (receive_errors == 0) return ForwardingSockets::receive_from(socket, into);
        --receive_errors;
        return {0, false, {}, std::errc::connection_refused};
    }
    detail::IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) override {
        if (send_errors == 0) return ForwardingSockets::send_to(socket, bytes, peer);
        --send_errors;
        return {0, std::errc::connection_refused};
    }
    PackedError set_icmp_policy(NativeSocket, IcmpPolicy policy) override {
        policies.push_back(policy);
        return {};
    }
    int receive_errors = 0;
    int send_errors = 0;
    std::vector<IcmpPolicy> policies;
};

struct BluntWorld {
    explicit BluntWorld(IcmpPolicy policy, Clock* clock = nullptr) : loop(make_core(*this, clock)) {
        UdpOptions options;
        options.icmp = policy;
        peer = or_throw(UdpSocket::bind(loop, any_port_v4));
        socket = or_throw(UdpSocket::connect(loop, peer->endpoint(), options));
    }
    static std::unique_ptr<detail::LoopCore> make_core(BluntWorld& world, Clock* clock) {
        LoopOptions options;
        options.clock = clock;
        detail::Seams seams;
        seams.sockets = &world.sockets;
        return std::make_unique<detail::LoopCore>(options, std::move(seams));
    }
    Task<Result<void>> send() { co_return co_await socket->send("x"); }

    BluntSockets sockets;
    EventLoop loop;
    SocketPointer peer;
    SocketPointer socket;
};

} // namespace

TEST_CASE("unless told, an unconnected socket ignores refusals and a connected one reports them") {
    EventLoop loop;
    const auto open = or_throw(UdpSocket::bind(loop, any_port_v4));
    const auto fixed = or_throw(UdpSocket::connect(loop, open->endpoint()));
    CHECK(open->icmp_policy() == IcmpPolicy::ignore);
    CHECK(fixed->icmp_policy() == IcmpPolicy::report);
}

TEST_CASE("ignored, an error that comes all the same is nothing yet: the wait keeps its deadline") {
    StoppedClock clock;
    BluntWorld world(IcmpPolicy::ignore, &clock);
    Waiting waiting(world.loop, *world.socket, within(200ms));
    world.sockets.receive_errors = 3;
    clock.advance(199ms);
    REQUIRE(world.loop.run(Pair::send(*world.peer, "", world.socket->endpoint())));
    world.sockets.receive_errors = 1'000; // more than the datagram behind them is worth
    turn(world.loop, 3);
    CHECK(waiting.resumptions == 0);
    clock.advance(1ms);
    turn(world.loop, 3);
    REQUIRE(waiting.resumptions == 1);
    CHECK(waiting.result->error() == Errc::deadline_expired);
    CHECK(world.socket->counters().icmp_reported == 0);
    CHECK(world.socket->counters().icmp_ignored >= 3);
}

TEST_CASE("reported, each error of a receive is handed out once, with the fixed peer") {
    BluntWorld world(IcmpPolicy::report);
    REQUIRE(world.loop.run(Pair::send(*world.peer, "behind", world.socket->endpoint())));
    world.sockets.receive_errors = 2;
    for (int i = 0; i < 2; ++i) {
        const auto refused = world.loop.run(Pair::receive(*world.socket, within(ceiling)));
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == std::errc::connection_refused);
        CHECK(world.socket->last_icmp_report().peer == world.peer->endpoint());
        CHECK(world.socket->last_icmp_report().origin == IcmpReport::Origin::untold);
    }
    CHECK(world.loop.run(Pair::receive(*world.socket, within(ceiling)))->payload.text() ==
          "behind");
    CHECK(world.socket->counters().icmp_reported == 2);
}

TEST_CASE("a send that meets old news is tried once more, and fails by its own error only") {
    for (const IcmpPolicy policy : {IcmpPolicy::ignore, IcmpPolicy::report}) {
        BluntWorld world(policy);
        world.sockets.send_errors = 1;
        CHECK(world.loop.run(world.send()));
        CHECK(world.socket->counters().retried_sends == 1);
        world.sockets.send_errors = 2;
        CHECK(world.loop.run(world.send()).error() == std::errc::connection_refused);
        CHECK(world.socket->counters().retried_sends == 1);
        CHECK(world.socket->counters().icmp_ignored == (policy == IcmpPolicy::ignore ? 1 : 0));
    }
}

TEST_CASE("the system is told the policy when a socket is made, and when it changes") {
    BluntWorld world(IcmpPolicy::report);
    REQUIRE(world.socket->set_icmp_policy(IcmpPolicy::ignore));
    CHECK((world.sockets.policies ==
           std::vector{IcmpPolicy::ignore, IcmpPolicy::report, IcmpPolicy::ignore}));
    world.socket->close();
    CHECK(world.socket->set_icmp_policy(IcmpPolicy::report).error() == Errc::closed_locally);
}

} // namespace tidemill
