// Sends that the system does not take at once.
#include "net/udp_faulty_pair.hpp"
#include "support/forwarding_sockets.hpp"

namespace tidemill {

using namespace udp_test;

namespace {

// A send buffer that is full as often as the test says; loopback never fills a real one.
class FullSockets final : public support::ForwardingSockets {
public:
    detail::IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) override {
        if (refusals == 0) return ForwardingSockets::send_to(socket, bytes, peer);
        --refusals;
        return {0, std::errc::operation_would_block};
    }
    int refusals = 0;
};

using FullPair = PairOver<FullSockets>;

struct Sending {
    Sending(FullPair& pair, Deadline deadline) : scope(pair.loop) {
        scope.spawn(send(pair, deadline));
    }
    Task<void> send(FullPair& pair, Deadline deadline) {
        result = co_await pair.near->send("patient", pair.far->endpoint(), deadline);
    }
    std::optional<Result<void>> result;
    TaskScope scope;
};

} // namespace

TEST_CASE("a send that finds the buffer full waits until there is room") {
    FullPair pair;
    pair.sockets.refusals = 2;
    Sending sending(pair, within(ceiling));
    CHECK_FALSE(sending.result.has_value());
    turn_until(pair.loop, [&] { return sending.result.has_value(); });
    CHECK(sending.result->has_value());
    CHECK(pair.sockets.refusals == 0);
    const auto got = pair.loop.run(Pair::receive(*pair.far, within(ceiling)));
    CHECK(got->payload.text() == "patient");
}

TEST_CASE("a socket that nobody sends from is not asked whether it is writable") {
    FullPair pair;
    pair.sockets.refusals = 1;
    Sending sending(pair, within(ceiling));
    turn_until(pair.loop, [&] { return sending.result.has_value(); });
    const auto before = pair.loop.counters().events;
    turn(pair.loop, 100);
    CHECK(pair.loop.counters().events - before <= 1);
}

TEST_CASE("a send that waits for room ends at its deadline, by cancel(), or with its socket") {
    StoppedClock clock;
    FullPair pair(&clock);
    pair.sockets.refusals = 1'000'000;
    {
        Sending late(pair, within(10ms));
        turn(pair.loop, 3);
        CHECK_FALSE(late.result.has_value());
        clock.advance(10ms);
        turn(pair.loop, 3);
        REQUIRE(late.result.has_value());
        CHECK(late.result->error() == Errc::deadline_expired);
    }
    for (const bool closes : {false, true}) {
        Sending ended(pair, Deadline::never());
        if (closes) {
            pair.near->close();
        } else {
            pair.near->cancel();
        }
        CHECK_FALSE(ended.result.has_value());
        turn(pair.loop);
        REQUIRE(ended.result.has_value());
        CHECK(ended.result->error() == Errc::cancelled);
    }
}

} // namespace tidemill
