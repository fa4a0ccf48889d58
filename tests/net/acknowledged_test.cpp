// How far written bytes have come, over TCP and TLS; the clock is the test's, the kernel is real.
#include "core/loop_core.hpp"
#include "support/forwarding_sockets.hpp"
#include "support/stream_pairs.hpp"
#include "tls/tls_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;
using State = Acknowledgement::State;
using Answer = Result<Acknowledgement>;

Task<Answer> acknowledging(Stream& stream, Deadline deadline = {}) {
    co_return co_await stream.acknowledged(deadline);
}

// False under Wine, whose system does not tell; it says so then.
bool is_told(LoopFixture& fixture, Stream& stream) {
    const Answer answer = fixture.run(acknowledging(stream, within(0ms)));
    if (!os_facts().is_wine)
        CHECK(answer.has_value());
    else if (!answer)
        CHECK(answer.error() == std::errc::not_supported);
    return answer.has_value();
}

// Sends as much as the kernel takes, to a peer that does not read.
void fill(LoopFixture& fixture, Stream& stream) {
    const std::string much = pattern(more_than_fits);
    REQUIRE(!fixture.run(writing(stream, much, within(0ms))));
    fixture.settle();
}

// Lets the time of the test pass in steps until the wait is over.
Acknowledgement await_answer(LoopFixture& fixture, Pending<Answer>& wait) {
    REQUIRE(fixture.turn_until([&] {
        fixture.advance(1ms);
        return wait.is_done();
    }));
    return wait->value();
}

template <class T> struct Written : Pair<T> {
    Acknowledgement now() { return this->run(acknowledging(*this->near, within(0ms))).value(); }
};

TEST_CASE_TEMPLATE("what the peer's kernel has is acknowledged, though nobody has read it", T,
                   Memory, Tcp, TlsTcp) {
    Written<T> pair;
    if (!is_told(pair, *pair.near)) return;
    REQUIRE(pair.run(writing(*pair.near, "never read")));
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near));
    const Acknowledgement answer = await_answer(pair, wait);
    CHECK(answer.state == State::acknowledged);
    CHECK(answer.outstanding_bytes == 0);
}

TEST_CASE("the system tells of acknowledgements, or says that it does not") {
    Written<Tcp> pair;
    REQUIRE(pair.run(writing(*pair.near, "x")));
    CHECK(is_told(pair, *pair.near) == !os_facts().is_wine);
}

TEST_CASE_TEMPLATE("our end is no byte that could be outstanding", T, Memory, Tcp) {
    Written<T> pair;
    if (!is_told(pair, *pair.near)) return;
    REQUIRE(pair.run(writing(*pair.near, "all")));
    REQUIRE(pair.run(shutting(*pair.near)));
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near));
    CHECK(await_answer(pair, wait).state == State::acknowledged);
}

TEST_CASE_TEMPLATE("what the peer has no room for is outstanding at the deadline", T, Tcp, TlsTcp) {
    Written<T> pair;
    if (!is_told(pair, *pair.near)) return;
    fill(pair, *pair.near);
    const Acknowledgement now = pair.now();
    CHECK(now.state == State::outstanding);
    CHECK(now.outstanding_bytes > 0);
    CHECK(now.outstanding_bytes < 2 * more_than_fits);

    Pending<Answer> wait(pair.loop, acknowledging(*pair.near, within(1s)));
    pair.settle();
    pair.advance(999ms);
    CHECK(!wait.is_done());
    pair.advance(2ms);
    REQUIRE(pair.turn_until([&] { return wait.is_done(); }));
    CHECK(wait->value().state == State::outstanding);
}

TEST_CASE("what is outstanding is acknowledged once the peer makes room") {
    Written<Tcp> pair;
    if (!is_told(pair, *pair.near)) return;
    fill(pair, *pair.near);
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near, Deadline::never()));
    Pending<std::string> reader(pair.loop, reading_exactly(*pair.far, pair.near->bytes_sent()));
    CHECK(await_answer(pair, wait).state == State::acknowledged);
}

TEST_CASE("bytes of a connection that was reset are lost, and counted") {
    Written<Tcp> pair;
    if (!is_told(pair, *pair.near)) return;
    fill(pair, *pair.near);
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near, Deadline::never()));
    pair.settle();
    pair.far->abort();
    const Acknowledgement answer = await_answer(pair, wait);
    CHECK(answer.state == State::lost);
    CHECK(answer.outstanding_bytes > 0);
    CHECK(pair.now().state == State::lost);
}

TEST_CASE("output of TLS that is not sent yet is outstanding, beside what is") {
    Written<TlsTcp> pair;
    if (!is_told(pair, *pair.near)) return;
    fill(pair, *pair.near);
    const EndReport report = pair.near->end_report();
    REQUIRE(report.tls->unsent > 0);
    CHECK(pair.now().outstanding_bytes > report.tls->unsent);
}

TEST_CASE("a stream that is cancelled or closed ends who waits for acknowledgements") {
    for (const bool closes : {false, true}) {
        CAPTURE(closes);
        Written<TlsTcp> tls;
        Written<Tcp> tcp;
        if (!is_told(tcp, *tcp.near)) return;
        fill(tls, *tls.near);
        fill(tcp, *tcp.near);
        Pending<Answer> waits[] = {{tls.loop, acknowledging(*tls.near)},
                                   {tcp.loop, acknowledging(*tcp.near)},
                                   {tcp.loop, acknowledging(*tcp.near)}};
        tls.settle();
        closes ? tls.near->close() : tls.near->cancel();
        closes ? tcp.near->close() : tcp.near->cancel();
        CHECK(!waits[0].is_done()); // nobody is resumed inside these calls
        tls.settle();
        tcp.settle();
        for (Pending<Answer>& each : waits) {
            REQUIRE(each.is_done());
            CHECK(each->error() == Errc::cancelled);
        }
        if (closes) CHECK(tcp.run(acknowledging(*tcp.near)).error() == Errc::closed_locally);
    }
}

// The stream is closed by another operation's end, and destroyed before the system is asked again.
TEST_CASE_TEMPLATE("a graceful close that fails ends who waits for acknowledgements", T, Tcp,
                   TlsTcp) {
    Written<T> pair;
    if (!is_told(pair, *pair.near)) return;
    const std::string much = pattern(more_than_fits);
    std::optional<Pending<Result<void>>> write(std::in_place, pair.loop, writing(*pair.near, much));
    pair.settle();
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near, Deadline::never()));
    Pending<std::string> reader(pair.loop, reading_exactly(*pair.far, 1));
    for (int i = 0; i < 100; ++i) pair.advance(1ms); // asked every 50 ms from here on
    REQUIRE(!wait.is_done());
    write.reset(); // which tears the stream, so that the close fails at once
    const Result<void> closed = pair.run(closing(*pair.near));
    REQUIRE(!closed);
    pair.near.reset();
    pair.settle();
    REQUIRE(wait.is_done());
    CHECK(wait->error() == Errc::cancelled);
    for (int i = 0; i < 100; ++i) pair.advance(1ms);
}

// How often the system is asked.

class CountedSockets final : public ForwardingSockets {
public:
    detail::Unacknowledged unacknowledged(NativeSocket, const detail::Accepted&) override {
        ++times_asked;
        return {1, false, round_trip_ns, error};
    }
    int times_asked = 0;
    std::int64_t round_trip_ns = 0;
    PackedError error;
};

struct SocketsFirst {
    CountedSockets sockets;
};

struct CountedWorld : SocketsFirst, LoopFixture {
    CountedWorld()
        : LoopFixture({}, [&](const LoopOptions& options) {
              detail::Seams seams;
              seams.sockets = &sockets;
              return std::make_unique<detail::LoopCore>(options, std::move(seams));
          }) {
        std::tie(near, far) = Tcp::connect(*this);
    }
    std::unique_ptr<TcpStream> near;
    std::unique_ptr<TcpStream> far;
};

int questions_in_a_second(std::int64_t round_trip_ns) {
    CountedWorld world;
    world.sockets.round_trip_ns = round_trip_ns;
    Pending<Answer> wait(world.loop, acknowledging(*world.near, Deadline::never()));
    for (int i = 0; i < 1'000; ++i) world.advance(1ms);
    CHECK(!wait.is_done());
    return world.sockets.times_asked;
}

TEST_CASE("the system is asked after 1 ms, then half as often each time, down to a limit") {
    // At 0, 1, 3, 7, 15, 31, 63, and then every 50 ms; a tick of the timer may come late.
    const int quick = questions_in_a_second(0);
    CHECK(quick <= 26);
    CHECK(quick >= 22);
    // At 0, 1, 3, ... 255, and then every 200 ms.
    const int slow = questions_in_a_second(200'000'000);
    CHECK(slow <= 13);
    CHECK(slow >= 11);
}

TEST_CASE("a system that does not tell of acknowledgements says so at once") {
    CountedWorld world;
    world.sockets.error = Errc::not_supported;
    const Answer answer = world.run(acknowledging(*world.near));
    REQUIRE(!answer);
    CHECK(answer.error() == std::errc::not_supported);
}

} // namespace
} // namespace tidemill
