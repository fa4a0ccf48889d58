// The limits that a flood of datagrams meets: the turn's budget, and that of received bytes.
#include "net/udp_support.hpp"

#include <algorithm>

namespace tidemill {

using namespace udp_test;

namespace {

// Counts what is done between two runs of a timer that is due in every turn.
struct Meter {
    explicit Meter(EventLoop& loop) : timer_(loop, [this] { run(); }) { timer_.start(1ms); }
    void count() { most = std::max(most, ++since_); }
    void run() {
        ++runs;
        since_ = 0;
        timer_.start(1ms);
    }

    int most = 0;
    int runs = 0;

private:
    Timer timer_;
    int since_ = 0;
};

/// Without end; `operation` outlives it.
template <class Operation> Task<void> repeat(const Operation& operation, Meter& meter) {
    for (;;) {
        static_cast<void>(co_await operation());
        meter.count();
    }
}

void turn_200_times(EventLoop& loop, StoppedClock& clock) {
    for (int i = 0; i < 200; ++i) {
        clock.advance(1ms);
        turn(loop);
    }
}

} // namespace

TEST_CASE("an endless sender and an endless receiver of datagrams leave timers their turn") {
    StoppedClock clock;
    LoopOptions options;
    options.clock = &clock;
    Pair pair(any_port_v4, {}, options);
    Meter sends(pair.loop);
    Meter receives(pair.loop);
    TaskScope scope(pair.loop);
    const auto send = [&] { return pair.far->send("x", pair.near->endpoint()); };
    const auto receive = [&] { return pair.near->receive(); };
    scope.spawn(repeat(send, sends));
    scope.spawn(repeat(receive, receives));
    turn_200_times(pair.loop, clock);
    CHECK(sends.runs >= 199);
    // One operation more than the budget: the first of a run came by an event.
    CHECK(sends.most <= static_cast<int>(options.operations_per_turn) + 1);
    CHECK(receives.most <= static_cast<int>(options.operations_per_turn) + 1);
    CHECK(receives.most > 1); // or the burst is not emptied in one go
}

TEST_CASE("endless batches of datagrams leave timers their turn") {
    StoppedClock clock;
    LoopOptions options;
    options.clock = &clock;
    Pair pair(any_port_v4, {}, options);
    Meter sends(pair.loop);
    Meter receives(pair.loop);
    TaskScope scope(pair.loop);
    ReceiveBatch in;
    SendBatch out;
    while (out.size() < 64)
        if (!out.add("x", pair.near->endpoint())) break;
    const auto send = [&] { return pair.far->send_many(out); };
    const auto receive = [&] { return pair.near->receive_many(in); };
    scope.spawn(repeat(send, sends));
    scope.spawn(repeat(receive, receives));
    turn_200_times(pair.loop, clock);
    CHECK(sends.runs >= 199);
    // One that leaves before the wait, and one at the end of the turn.
    CHECK(sends.most <= 2);
    CHECK(receives.most <= 2);
}

TEST_CASE("a socket may send to itself") {
    Pair pair;
    ReceiveBatch batch;
    SendBatch out;
    const auto talk = [&]() -> Task<void> {
        CHECK(co_await pair.near->send("single", pair.near->endpoint()));
        const auto single = co_await pair.near->receive(within(ceiling));
        REQUIRE(single);
        CHECK(single->sender == pair.near->endpoint());
        REQUIRE(out.add("batch", pair.near->endpoint()));
        CHECK(co_await pair.near->send_many(out));
        const auto many = co_await pair.near->receive_many(batch, within(ceiling));
        REQUIRE(many);
        const DatagramView first = *batch.begin();
        CHECK(first.text() == "batch");
        CHECK(first.sender() == pair.near->endpoint());
    };
    pair.loop.run(talk());
}

TEST_CASE("a socket that holds chunks over the budget waits until one comes back") {
    LoopOptions options;
    options.leased_bytes_per_stream = std::size_t{64} << 10;
    Pair pair(any_port_v4, {}, options);
    pair.far_sends("held");
    auto held = pair.near_receives();
    REQUIRE(held);
    pair.far_sends(std::string(60'000, 'x')); // would not fit beside what is held
    Waiting waiting(pair.loop, *pair.near);
    const auto before = pair.loop.counters().events;
    turn(pair.loop, 100);
    CHECK(waiting.resumptions == 0);
    CHECK(pair.loop.counters().events - before <= 2);
    held->payload = Chunk();
    turn_until(pair.loop, [&] { return waiting.result.has_value(); });
    REQUIRE(*waiting.result);
    CHECK((*waiting.result)->payload.size() == 60'000);
    CHECK_FALSE((*waiting.result)->is_truncated);
}

TEST_CASE("a socket that holds nothing gets 4 KiB however little is left, and says what it cut") {
    LoopOptions options;
    options.leased_bytes = 4096;
    Pair pair(any_port_v4, {}, options);
    pair.far_sends(std::string(5000, 'x'));
    const auto cut = pair.near_receives();
    REQUIRE(cut);
    CHECK(cut->payload.size() == 4096);
    CHECK(cut->is_truncated);
}

} // namespace tidemill
