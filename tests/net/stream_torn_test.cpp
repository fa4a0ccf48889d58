// Writes that end early: the peer must never take a cut message for a whole one.
#include "support/stream_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

// Starts a write that has sent a part and waits with the rest.
template <class T> struct HalfSent : Pair<T> {
    HalfSent()
        : text(pattern(more_than_fits)),
          write(this->loop, writing(*this->near, text, within(10s))) {
        this->settle();
        REQUIRE(!write.is_done());
    }
    // What the writer of a torn stream is told, and what the peer sees of it.
    void check_torn() {
        const Result<void> more = this->run(writing(*this->near, "more"));
        REQUIRE(!more);
        CHECK(more.error() == Errc::torn);
        CHECK(more.error().bytes_written() == 0);
        CHECK(this->run(shutting(*this->near)).error() == Errc::torn);
        REQUIRE(this->near->is_open());
        this->near->close();
        const std::string arrived = this->run(reading_all(*this->far));
        CHECK(arrived.ends_with("<Connection reset by peer>"));
        CHECK(this->loop.counters().lingering == 0);
    }
    std::string text;
    Pending<Result<void>> write;
};

TEST_CASE_TEMPLATE("a write that timed out after some bytes tears the stream", T,
                   TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.advance(11s);
    REQUIRE(half.turn_until([&] { return half.write.is_done(); }));
    CHECK(half.write->error() == Errc::deadline_expired);
    CHECK(half.write->error().bytes_written() == half.near->bytes_sent());
    CHECK(half.near->bytes_sent() > 0);
    half.check_torn();
}

TEST_CASE_TEMPLATE("a write that was cancelled after some bytes tears the stream", T,
                   TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.near->cancel();
    CHECK(!half.write.is_done()); // nobody is resumed inside cancel()
    REQUIRE(half.turn_until([&] { return half.write.is_done(); }));
    CHECK(half.write->error() == Errc::cancelled);
    CHECK(half.write->error().bytes_written() == half.near->bytes_sent());
    half.check_torn();
}

TEST_CASE_TEMPLATE("a write whose task is destroyed after some bytes tears the stream", T,
                   TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.write.destroy();
    half.check_torn();
}

TEST_CASE_TEMPLATE("a write that failed after some bytes tears the stream", T,
                   TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.far->abort();
    REQUIRE(half.turn_until([&] { return half.write.is_done(); }));
    CHECK(half.write->error() == std::errc::connection_reset);
    CHECK(half.write->error().bytes_written() > 0);
    CHECK(half.run(writing(*half.near, "more")).error() == Errc::torn);
    CHECK(half.run(shutting(*half.near)).error() == Errc::torn);
    CHECK(half.run(closing(*half.near)).error() == Errc::torn);
    CHECK(!half.near->is_open());
}

TEST_CASE_TEMPLATE("a torn stream that is closed gracefully is aborted", T, TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.write.destroy();
    CHECK(half.run(closing(*half.near)).error() == Errc::torn);
    CHECK(!half.near->is_open());
    CHECK(half.run(reading_all(*half.far)).ends_with("<Connection reset by peer>"));
}

TEST_CASE_TEMPLATE("closing a stream under a write that has sent a part aborts it", T,
                   TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.near->close();
    REQUIRE(half.turn_until([&] { return half.write.is_done(); }));
    CHECK(half.write->error() == Errc::cancelled);
    CHECK(half.run(reading_all(*half.far)).ends_with("<Connection reset by peer>"));
}

TEST_CASE_TEMPLATE("a torn stream can still be read", T, TIDEMILL_EVERY_STREAM) {
    HalfSent<T> half;
    half.write.destroy();
    REQUIRE(half.run(writing(*half.far, "heard")));
    CHECK(half.run(reading(*half.near)).value().text() == "heard");
}

// Fills all that lies between the ends with writes of one byte, of which the last one waits.
Task<Result<void>> filling(Stream& stream, std::size_t& sent) {
    for (;;) {
        auto result = co_await stream.write("x", within(10s));
        if (!result) co_return std::move(result);
        ++sent;
    }
}

TEST_CASE_TEMPLATE("a write of which no byte had left does not tear the stream", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    std::size_t sent = 0;
    Pending<Result<void>> write(pair.loop, filling(*pair.near, sent));
    std::size_t sent_before = 1;
    REQUIRE(pair.turn_until([&] { return std::exchange(sent_before, sent) == sent; }));
    // A turn without progress may not be the last word: the system moves bytes when it likes to.
    REQUIRE(pair.turn_until([&] {
        if (!write.is_done()) pair.clock.advance(11s);
        return write.is_done();
    }));
    CHECK(write->error() == Errc::deadline_expired);
    CHECK(write->error().bytes_written() == 0);
    CHECK(pair.run(reading_exactly(*pair.far, sent)) == std::string(sent, 'x'));
    REQUIRE(pair.run(writing(*pair.near, "goes on")));
    REQUIRE(pair.run(shutting(*pair.near)));
    CHECK(pair.run(reading_all(*pair.far)) == "goes on");
}

TEST_CASE("an injected write error after some bytes tears the stream") {
    LoopFixture fixture;
    testing::PairOptions options;
    options.largest_transfer_bytes = 1;
    auto [near, far] = testing::make_stream_pair(fixture.loop, options);
    near->fail_write(3, std::errc::io_error);
    const Result<void> written = fixture.run(writing(*near, "abcdef"));
    REQUIRE(!written);
    CHECK(written.error() == std::errc::io_error);
    CHECK(written.error().bytes_written() == 2);
    CHECK(fixture.run(writing(*near, "more")).error() == Errc::torn);
    CHECK(fixture.run(reading_exactly(*far, 2)) == "ab");
}

TEST_CASE("an injected read error is final, behind the bytes before it") {
    LoopFixture fixture;
    auto [near, far] = testing::make_stream_pair(fixture.loop);
    REQUIRE(fixture.run(writing(*far, "before")));
    near->fail_read(2, std::errc::io_error);
    CHECK(fixture.run(reading(*near)).value().text() == "before");
    CHECK(fixture.run(reading(*near)).error() == std::errc::io_error);
    CHECK(fixture.run(reading(*near)).error() == std::errc::io_error);
    CHECK(fixture.run(writing(*near, "x")).error() == std::errc::io_error);
}

} // namespace
} // namespace tidemill
