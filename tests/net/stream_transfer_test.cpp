// Moving bytes: gathered writes, misuse, fairness, leases, and streams that go while somebody
// waits.
#include "support/death.hpp"
#include "support/stream_pairs.hpp"
#include <tidemill/core/timer.hpp>

namespace tidemill {
namespace {

using namespace support;

// Gathered writes

Task<Result<void>> gathering(Stream& stream, std::span<const Bytes> pieces) {
    co_return co_await stream.write(pieces);
}
Task<Result<void>> gathering_three(Stream& stream, std::string_view a, std::string_view b,
                                   std::string_view c) {
    co_return co_await stream.write(a, b, c, within(5s));
}

void check_gathered(LoopFixture& fixture, Stream& near, Stream& far, std::size_t count) {
    CAPTURE(count);
    std::vector<std::string> texts;
    std::string whole;
    for (std::size_t i = 0; i < count; ++i) {
        texts.push_back(i % 5 == 3 ? std::string() : pattern(i * 37 % 1000));
        whole += texts.back();
    }
    const std::vector<Bytes> pieces(texts.begin(), texts.end());
    Pending<Result<void>> write(fixture.loop, gathering(near, pieces));
    CHECK((fixture.run(reading_exactly(far, whole.size())) == whole));
    REQUIRE(fixture.turn_until([&] { return write.is_done(); }));
    CHECK(*write);
}

TEST_CASE_TEMPLATE("a gathered write sends its pieces in order, empty ones too", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    for (const std::size_t count : {0u, 1u, 2u, 3u, 63u, 64u, 65u, 100u})
        check_gathered(pair, *pair.near, *pair.far, count);
    REQUIRE(pair.run(gathering_three(*pair.near, "head", "", "body")));
    CHECK(pair.run(reading_exactly(*pair.far, 8)) == "headbody");
}

TEST_CASE("a gathered write sends its pieces in order, one byte at a time") {
    LoopFixture fixture;
    testing::PairOptions options;
    options.largest_transfer_bytes = 1;
    auto [near, far] = testing::make_stream_pair(fixture.loop, options);
    for (const std::size_t count : {2u, 5u, 70u}) check_gathered(fixture, *near, *far, count);
}

TEST_CASE_TEMPLATE("a gathered write that waits sends the rest", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits / 4);
    const std::vector<Bytes> pieces{text, "", text, text, text};
    Pending<Result<void>> write(pair.loop, gathering(*pair.near, pieces));
    pair.settle();
    REQUIRE(!write.is_done());
    CHECK((pair.run(reading_exactly(*pair.far, 4 * text.size())) == text + text + text + text));
    CHECK(write.is_done());
}

TEST_CASE_TEMPLATE("an empty write succeeds at once", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    CHECK(pair.run(writing(*pair.near, "")));
    CHECK(pair.near->bytes_sent() == 0);
}

// Who waits, and who goes

TEST_CASE_TEMPLATE("a second read at once is misuse", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> first(pair.loop, reading(*pair.near));
    DIES_WITH("a stream is read by one task at a time",
              [&] { Pending<Result<Chunk>> second(pair.loop, reading(*pair.near)); });
}

TEST_CASE_TEMPLATE("a second write at once is misuse", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> first(pair.loop, writing(*pair.near, text));
    DIES_WITH("a stream is written by one task at a time",
              [&] { Pending<Result<void>> second(pair.loop, writing(*pair.near, "x")); });
    DIES_WITH("a stream is not ended while a write waits",
              [&] { Pending<Result<void>> end(pair.loop, shutting(*pair.near)); });
    DIES_WITH("a stream is not closed gracefully while somebody waits on it",
              [&] { Pending<Result<void>> end(pair.loop, closing(*pair.near)); });
}

TEST_CASE_TEMPLATE("cancelling ends both directions as cancelled, and later", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    pair.near->cancel();
    CHECK(!read.is_done());
    CHECK(!write.is_done());
    REQUIRE(pair.turn_until([&] { return read.is_done() && write.is_done(); }));
    CHECK(read->error() == Errc::cancelled);
    CHECK(read->error() == std::errc::operation_canceled);
    CHECK(!(read->error() == std::errc::timed_out));
    CHECK(write->error() == Errc::cancelled);
}

TEST_CASE_TEMPLATE("destroying a stream under a waiting task ends its wait, and later", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(60s)));
    pair.settle();
    pair.near.reset();
    CHECK(!read.is_done());
    REQUIRE(pair.turn_until([&] { return read.is_done(); }));
    CHECK(read->error() == Errc::cancelled);
}

TEST_CASE_TEMPLATE("destroying a stream and then the task that waited resumes nobody", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(60s)));
    pair.near.reset();
    read.destroy();
    pair.settle();
    CHECK(!read.is_done());
}

TEST_CASE_TEMPLATE("aborting under a waiting task ends its wait, and the peer sees a reset", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    pair.near->abort();
    CHECK(!read.is_done());
    REQUIRE(pair.turn_until([&] { return read.is_done(); }));
    CHECK(read->error() == Errc::cancelled);
    CHECK(pair.run(reading_all(*pair.far)) == "<Connection reset by peer>");
}

TEST_CASE("an in-memory write resumes nobody inside itself") {
    LoopFixture fixture;
    auto [near, far] = testing::make_stream_pair(fixture.loop);
    Pending<Result<Chunk>> read(fixture.loop, reading(*far));
    Pending<Result<void>> write(fixture.loop, writing(*near, "x"));
    CHECK(write.is_done());
    CHECK(!read.is_done());
    fixture.loop.run_once(0ms);
    CHECK(read.is_done());
}

TEST_CASE("an in-memory stream outlives its loop") {
    testing::StreamPair streams;
    std::optional<LoopFixture> fixture(std::in_place);
    streams = testing::make_stream_pair(fixture->loop);
    Pending<Result<Chunk>> read(fixture->loop, reading(*streams.first));
    fixture.reset();
    CHECK(!streams.first->is_open());
    CHECK(!read.is_done());
}

TEST_CASE("a TcpStream moves while nobody waits on it") {
    Pair<Tcp> pair;
    REQUIRE(pair.run(writing(*pair.far, "before")));
    std::array<std::byte, 3> buffer;
    REQUIRE(pair.run(reading_into(*pair.near, buffer)).value() == 3);
    pair.near->set_idle_timeout(5s);
    TcpStream moved(std::move(*pair.near));
    CHECK(!pair.near->is_open());
    CHECK(moved.is_open());
    CHECK(moved.bytes_received() == 3);
    CHECK(pair.run(reading(moved)).value().text() == "ore");
    Pending<Result<Chunk>> idle(pair.loop, reading(moved));
    pair.advance(6s);
    CHECK(idle.is_done());
    REQUIRE(pair.run(writing(moved, "after")));
    CHECK(pair.run(reading(*pair.far)).value().text() == "after");
}

TEST_CASE("moving a TcpStream under a waiting task is misuse") {
    Pair<Tcp> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    DIES_WITH("a stream does not move while somebody waits on it",
              [&] { TcpStream moved(std::move(*pair.near)); });
}

} // namespace
} // namespace tidemill
