// What comes back by ICMP, counted: loopback answers each datagram to a closed port at once.
#include "net/udp_batch_support.hpp"

namespace tidemill {

using namespace udp_test;

namespace {

Endpoint closed_port(EventLoop& loop, const Endpoint& local) {
    return or_throw(UdpSocket::bind(loop, local))->endpoint();
}

struct IcmpPair {
    explicit IcmpPair(const Endpoint& local, IcmpPolicy policy)
        : near(or_throw(UdpSocket::bind(loop, local, options_of(policy)))),
          live(or_throw(UdpSocket::bind(loop, local))), dead(closed_port(loop, local)) {}
    static UdpOptions options_of(IcmpPolicy policy) {
        UdpOptions options;
        options.icmp = policy;
        return options;
    }
    void send_to_dead(int times = 1) {
        for (int i = 0; i < times; ++i) REQUIRE(loop.run(Pair::send(*near, "anybody?", dead)));
    }
    void live_hears(std::string_view text) {
        REQUIRE(loop.run(Pair::send(*near, std::string(text), live->endpoint())));
        const auto got = loop.run(Pair::receive(*live, within(ceiling)));
        REQUIRE(got);
        CHECK(got->payload.text() == text);
    }
    Result<Datagram> receive(Deadline deadline = within(ceiling)) {
        return loop.run(Pair::receive(*near, deadline));
    }

    EventLoop loop;
    SocketPointer near;
    SocketPointer live;
    Endpoint dead;
};

constexpr const Endpoint* both_families[] = {&any_port_v4, &any_port_v6};

} // namespace

TEST_CASE(
    "reported, each refused datagram is one error that names its peer, and no live one is lost") {
    for (const Endpoint* const local : both_families) {
        CAPTURE(local->to_string());
        IcmpPair pair(*local, IcmpPolicy::report);
        for (int i = 0; i < 3; ++i) {
            pair.send_to_dead();
            pair.live_hears("live");
        }
        for (int i = 0; i < 3; ++i) {
            const auto refused = pair.receive();
            REQUIRE_FALSE(refused);
            CHECK(refused.error() == std::errc::connection_refused);
            CHECK(refused.error().message().find(pair.dead.to_string()) != std::string::npos);
            const IcmpReport& report = pair.near->last_icmp_report();
            const bool is_v4 = local->address().is_v4();
            CHECK(report.peer == pair.dead);
            CHECK(report.origin == (is_v4 ? IcmpReport::Origin::icmp : IcmpReport::Origin::icmp6));
            CHECK(report.type == (is_v4 ? 3 : 1)); // destination unreachable:
            CHECK(report.code == (is_v4 ? 3 : 4)); // the port
            CHECK(report.reporter == pair.dead.address());
        }
        CHECK(pair.receive(within(0s)).error() == Errc::deadline_expired);
        CHECK(pair.near->counters().icmp_reported == 3);
        CHECK(pair.near->counters().icmp_unreported == 0);
        CHECK(pair.near->counters().retried_sends == 3);
    }
}

TEST_CASE("ignored, refused datagrams are no events, and no live one is lost") {
    for (const Endpoint* const local : both_families) {
        CAPTURE(local->to_string());
        IcmpPair pair(*local, IcmpPolicy::ignore);
        for (int i = 0; i < 3; ++i) {
            pair.send_to_dead();
            pair.live_hears("live");
        }
        CHECK(pair.receive(within(10ms)).error() == Errc::deadline_expired);
        CHECK(pair.near->counters().icmp_reported == 0);
        CHECK(pair.near->counters().retried_sends == 0);
    }
}

TEST_CASE("a connected socket that ignores refusals sends and waits as if there were none") {
    for (const Endpoint* const local : both_families) {
        EventLoop loop;
        const auto socket = or_throw(UdpSocket::connect(loop, closed_port(loop, *local),
                                                        IcmpPair::options_of(IcmpPolicy::ignore)));
        const auto send = [&]() -> Task<Result<void>> { co_return co_await socket->send("?"); };
        for (int i = 0; i < 3; ++i) CHECK(loop.run(send()));
        const auto got = loop.run(Pair::receive(*socket, within(10ms)));
        CHECK(got.error() == Errc::deadline_expired);
        CHECK(socket->counters().icmp_reported == 0);
        CHECK(socket->counters().icmp_ignored == 3);
    }
}

TEST_CASE("the policy changes at run time, both ways") {
    IcmpPair pair(any_port_v4, IcmpPolicy::ignore);
    pair.send_to_dead();
    REQUIRE(pair.near->set_icmp_policy(IcmpPolicy::report));
    CHECK(pair.near->icmp_policy() == IcmpPolicy::report);
    CHECK(pair.receive(within(0s)).error() == Errc::deadline_expired);
    pair.send_to_dead();
    CHECK(pair.receive().error() == std::errc::connection_refused);
    pair.send_to_dead(2);
    REQUIRE(pair.near->set_icmp_policy(IcmpPolicy::ignore));
    CHECK(pair.receive(within(10ms)).error() == Errc::deadline_expired);
    pair.live_hears("still here");
    CHECK(pair.near->counters().icmp_reported == 1);
}

TEST_CASE("batches to dead and live peers reach the live, and each refusal is counted once") {
    IcmpPair pair(any_port_v4, IcmpPolicy::report);
    ReceiveBatch in;
    SendBatch out;
    int reported = 0;
    const auto talk = [&]() -> Task<void> {
        for (int round = 0; round < 10; ++round) {
            out.clear();
            for (int i = 0; i < 4; ++i) {
                REQUIRE(out.add("dead", pair.dead));
                REQUIRE(out.add("live", pair.live->endpoint()));
            }
            CHECK(co_await pair.near->send_many(out));
            Texts got;
            co_await receive_texts(*pair.live, in, 4, got);
            CHECK((got == Texts(4, "live")));
            for (int i = 0; i < 4; ++i) {
                const auto refused = co_await pair.near->receive_many(in, within(ceiling));
                REQUIRE_FALSE(refused);
                ++reported;
            }
        }
        const auto quiet = co_await pair.near->receive_many(in, within(0s));
        CHECK(quiet.error() == Errc::deadline_expired);
    };
    pair.loop.run(talk());
    CHECK(reported == 40);
    CHECK(pair.near->counters().icmp_reported == 40);
}

TEST_CASE("refusals for which nobody waits neither make the loop spin nor are forgotten") {
    IcmpPair pair(any_port_v4, IcmpPolicy::report);
    {
        Waiting waiting(pair.loop, *pair.near); // makes the selector watch the socket
        turn(pair.loop);
    }
    pair.send_to_dead(40);
    const auto before = pair.loop.counters().events;
    turn(pair.loop, 1000);
    CHECK(pair.loop.counters().events - before <= 2);
    for (int i = 0; i < 40; ++i) CHECK(pair.receive().error() == std::errc::connection_refused);
    CHECK(pair.receive(within(0s)).error() == Errc::deadline_expired);
    CHECK(pair.near->counters().icmp_reported == 40);
    pair.live_hears("live");
}

TEST_CASE("a datagram behind refusals is received behind them") {
    IcmpPair pair(any_port_v4, IcmpPolicy::report);
    pair.send_to_dead(2);
    REQUIRE(pair.loop.run(Pair::send(*pair.live, "me", pair.near->endpoint())));
    CHECK(pair.receive().error() == std::errc::connection_refused);
    CHECK(pair.receive().error() == std::errc::connection_refused);
    CHECK(pair.receive()->payload.text() == "me");
}

} // namespace tidemill
