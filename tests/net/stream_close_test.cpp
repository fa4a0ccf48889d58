// How streams close: destructors that never wait, the linger set and its limits, close_gracefully.
#include "support/stream_pairs.hpp"
#include <stdexcept>

namespace tidemill {
namespace {

using namespace support;

// The four cases of a destructor

TEST_CASE_TEMPLATE("destroying a stream whose peer has ended closes it at once", T, Memory, Tcp) {
    Pair<T> pair;
    REQUIRE(pair.run(writing(*pair.near, "answer")));
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.run(reading(*pair.near)).value().empty());
    const auto open_before = pair.loop.counters().open_sockets;
    pair.near.reset();
    CHECK(pair.loop.counters().open_sockets == open_before - 1);
    CHECK(pair.loop.counters().lingering == 0);
    CHECK(pair.run(reading_all(*pair.far)) == "answer");
}

TEST_CASE_TEMPLATE("destroying a stream whose peer is open sends what is left and our end", T,
                   Memory, Tcp) {
    Pair<T> pair;
    const std::string answer = pattern(10'000);
    REQUIRE(pair.run(writing(*pair.far, "unread input")));
    REQUIRE(pair.run(writing(*pair.near, answer)));
    pair.near.reset();
    CHECK(pair.loop.counters().lingering == 1);
    REQUIRE(pair.run(writing(*pair.far, "more that nobody reads")));
    CHECK(pair.run(reading_all(*pair.far)) == answer);
    CHECK(pair.loop.counters().lingering == 1);
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.turn_until([&] { return pair.loop.counters().lingering == 0; }));
    CHECK(pair.loop.counters().linger_aborts == 0);
}

TEST_CASE_TEMPLATE("destroying a torn stream resets it", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    pair.settle();
    write.destroy();
    pair.near.reset();
    CHECK(pair.loop.counters().lingering == 0);
    CHECK(pair.run(reading_all(*pair.far)).ends_with("<Connection reset by peer>"));
}

template <class Handle> Task<int> leaving_by_exception(Handle stream) {
    const auto sent = co_await stream->write("half of an answer");
    if (sent) throw std::runtime_error("the other half");
    co_return 0;
}

TEST_CASE_TEMPLATE("a stream that is left by an exception is reset", T, Memory, Tcp) {
    Pair<T> pair;
    CHECK_THROWS_WITH(pair.loop.run(leaving_by_exception(std::move(pair.near))), "the other half");
    CHECK(pair.run(reading_all(*pair.far)) == "half of an answer<Connection reset by peer>");
}

// Limits of the linger set

TEST_CASE_TEMPLATE("a stream lingers for five seconds and is reset then", T, Memory, Tcp) {
    Pair<T> pair;
    pair.near.reset();
    pair.advance(4s);
    CHECK(pair.loop.counters().lingering == 1);
    pair.advance(2s);
    CHECK(pair.loop.counters().lingering == 0);
    CHECK(pair.loop.counters().linger_aborts == 1);
    pair.settle();
    // Our end had come before the reset.
    if (!os_facts().reset_hides_end) CHECK(pair.run(reading_all(*pair.far)).empty());
    CHECK(is_reset_behind_end(pair.run(writing(*pair.far, "x")).error()));
}

TEST_CASE_TEMPLATE("a stream that lingers discards so many bytes and is reset then", T, Memory,
                   Tcp) {
    LoopOptions options;
    options.linger_bytes = 50'000;
    Pair<T> pair(options);
    pair.near.reset();
    const std::string within_limit = pattern(50'000);
    REQUIRE(pair.run(writing(*pair.far, within_limit)));
    pair.settle();
    CHECK(pair.loop.counters().lingering == 1);
    const std::string flood = pattern(more_than_fits);
    const Result<void> sent = pair.run(writing(*pair.far, flood));
    REQUIRE(!sent);
    CHECK(is_reset_behind_end(sent.error()));
    CHECK(pair.loop.counters().lingering == 0);
    CHECK(pair.loop.counters().linger_aborts == 1);
}

TEST_CASE_TEMPLATE("so many streams linger, and further ones are reset", T, Memory, Tcp) {
    LoopOptions options;
    options.lingering_streams = 1;
    Pair<T> pair(options);
    auto other = T::connect(pair);
    pair.near.reset();
    other.first.reset();
    CHECK(pair.loop.counters().lingering == 1);
    CHECK(pair.loop.counters().linger_aborts == 1);
    pair.settle();
    CHECK(pair.run(reading_all(*pair.far)).empty());
    CHECK(pair.run(reading_all(*other.second)) == "<Connection reset by peer>");
}

TEST_CASE_TEMPLATE("destroying both ends leaves nothing behind", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(writing(*pair.near, "unread")));
    pair.near.reset();
    pair.far.reset();
    CHECK(pair.turn_until([&] { return pair.loop.counters().lingering == 0; }));
    CHECK(pair.loop.counters().open_sockets == 0);
    CHECK(pair.loop.counters().linger_aborts == 0);
}

// close_gracefully

struct Closed {
    Result<void> result;
    std::size_t discarded_bytes;
};

Task<Closed> closing_and_counting(Stream& stream) {
    CloseOperation close = stream.close_gracefully();
    Result<void> result = co_await close;
    co_return Closed{std::move(result), close.discarded_bytes()};
}

Task<std::string> talking_until_the_end(Stream& stream) {
    std::string heard;
    for (;;) {
        const auto chunk = co_await stream.read();
        if (!chunk || chunk->empty()) break;
        heard += chunk->text();
        if (auto sent = co_await stream.write("and another thing"); !sent) break;
    }
    static_cast<void>(co_await stream.shutdown_write());
    co_return heard;
}

TEST_CASE_TEMPLATE("a chatty peer of a graceful close gets everything", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string answer = pattern(200'000);
    REQUIRE(pair.run(writing(*pair.far, "7 bytes")));
    Pending<std::string> peer(pair.loop, talking_until_the_end(*pair.far));
    REQUIRE(pair.run(writing(*pair.near, answer)));
    const Closed closed = pair.run(closing_and_counting(*pair.near));
    CHECK(closed.result);
    CHECK(closed.discarded_bytes >= 7);
    CHECK(!pair.near->is_open());
    REQUIRE(pair.turn_until([&] { return peer.is_done(); }));
    CHECK(*peer == answer);
}

TEST_CASE_TEMPLATE("a graceful close waits five seconds for the peer, and resets then", T, Memory,
                   Tcp) {
    Pair<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    pair.advance(4s);
    CHECK(!close.is_done());
    pair.advance(2s);
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(close->error() == Errc::deadline_expired);
    CHECK(!pair.near->is_open());
    pair.settle();
    CHECK(is_reset_behind_end(pair.run(writing(*pair.far, "x")).error()));
}

TEST_CASE_TEMPLATE("a graceful close has the deadline that it is given", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near, within(60s)));
    pair.advance(59s);
    CHECK(!close.is_done());
    REQUIRE(pair.run(shutting(*pair.far)));
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(*close);
}

TEST_CASE_TEMPLATE("a graceful close discards a mebibyte and resets then", T, Memory, Tcp) {
    Pair<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    const std::string flood = pattern(std::size_t{3} << 20);
    const Result<void> sent = pair.run(writing(*pair.far, flood));
    REQUIRE(!sent);
    CHECK(is_reset_behind_end(sent.error()));
    CHECK(sent.error().bytes_written() > (std::size_t{1} << 20));
    REQUIRE(close.is_done());
    CHECK(close->error() == Errc::limit_reached);
}

TEST_CASE_TEMPLATE("a graceful close tells of a reset by the peer", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    pair.settle();
    pair.far->abort();
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(close->error() == std::errc::connection_reset);
    CHECK(!pair.near->is_open());
}

TEST_CASE_TEMPLATE("a graceful close that is cancelled leaves the rest to the linger set", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    pair.near->cancel();
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(close->error() == Errc::cancelled);
    CHECK(pair.near->is_open());
    CHECK(pair.run(writing(*pair.near, "x")).error() == std::errc::broken_pipe);
    pair.near.reset();
    CHECK(pair.loop.counters().lingering == 1);
    CHECK(pair.run(reading_all(*pair.far)).empty());
}

Task<Result<TcpStream>> dialed(EventLoop& loop, Endpoint peer) {
    co_return co_await TcpStream::connect(loop, peer);
}

Task<Result<TcpStream>> accepted(TcpListener& listener) { co_return co_await listener.accept(); }

TEST_CASE("the loop's end aborts what lingers") {
    LoopFixture far_side;
    std::optional<LoopFixture> near_side(std::in_place);
    auto listener = TcpListener::listen(near_side->loop, *Endpoint::parse("127.0.0.1:0")).value();
    TcpStream far = far_side.run(dialed(far_side.loop, listener->endpoint())).value();
    { const TcpStream near = near_side->run(accepted(*listener)).value(); }
    REQUIRE(near_side->loop.counters().lingering == 1);
    CHECK(far_side.run(reading(far)).value().empty()); // the end that a lingering stream sends

    near_side.reset();
    // After a mere close the first write would still succeed: the reset must be here already.
    const Result<void> written = far_side.run(writing(far, "too late"));
    REQUIRE_FALSE(written);
    CHECK(is_reset_behind_end(written.error()));
}

} // namespace
} // namespace tidemill
