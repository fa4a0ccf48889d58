// Deadlines and limits of streams, on a clock that the test moves.
#include "support/stream_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

TEST_CASE_TEMPLATE("a read deadline ends the wait and not the stream", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(5s)));
    pair.advance(4s);
    CHECK(!read.is_done());
    pair.advance(2s);
    REQUIRE(read.is_done());
    CHECK(read->error() == Errc::deadline_expired);
    CHECK(read->error() == std::errc::timed_out);
    REQUIRE(pair.run(writing(*pair.far, "late")));
    CHECK(pair.run(reading(*pair.near)).value().text() == "late");
}

TEST_CASE_TEMPLATE("a deadline counts from the start of its operation", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    pair.advance(60s);
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(5s)));
    pair.advance(4s);
    CHECK(!read.is_done());
    pair.advance(2s);
    CHECK(read.is_done());
}

TEST_CASE_TEMPLATE("both directions may expire together", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(5s)));
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text, within(5s)));
    pair.settle();
    pair.advance(6s);
    REQUIRE(pair.turn_until([&] { return read.is_done() && write.is_done(); }));
    CHECK(read->error() == Errc::deadline_expired);
    CHECK(write->error() == Errc::deadline_expired);
}

template <class Handle> Task<Result<void>> destroying_when_late(Handle& stream, TaskScope* other) {
    const auto chunk = co_await stream->read(within(5s));
    if (other != nullptr) other->clear();
    stream.reset();
    if (!chunk) co_return failure(chunk.error());
    co_return Result<void>();
}

TEST_CASE_TEMPLATE("of two directions that expire together one may destroy the stream", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text, within(5s)));
    pair.settle();
    Pending<Result<void>> read(pair.loop, destroying_when_late(pair.near, nullptr));
    pair.advance(6s);
    REQUIRE(pair.turn_until([&] { return read.is_done() && write.is_done(); }));
    CHECK(pair.near == nullptr);
    CHECK(write->error() == Errc::deadline_expired);
}

TEST_CASE_TEMPLATE("of two directions that expire together one may destroy the other's task", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    TaskScope writer(pair.loop);
    bool is_resumed = false;
    writer.spawn([&]() -> Task<void> {
        static_cast<void>(co_await pair.near->write(text, within(5s)));
        is_resumed = true;
    });
    pair.settle();
    Pending<Result<void>> read(pair.loop, destroying_when_late(pair.near, &writer));
    pair.advance(6s);
    REQUIRE(pair.turn_until([&] { return read.is_done(); }));
    pair.settle();
    CHECK(!is_resumed);
}

Task<std::vector<Result<Chunk>>> reading_with(Stream& stream, std::vector<Deadline> deadlines) {
    std::vector<Result<Chunk>> results;
    for (const Deadline deadline : deadlines) results.push_back(co_await stream.read(deadline));
    co_return results;
}

TEST_CASE_TEMPLATE("a later deadline is not cut short by the one before it", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<std::vector<Result<Chunk>>> reads(pair.loop,
                                              reading_with(*pair.near, {within(1s), within(9s)}));
    REQUIRE(pair.run(writing(*pair.far, "in time")));
    pair.settle(); // the second read waits, and the timer is armed for the first one still
    pair.advance(8s);
    CHECK(!reads.is_done());
    pair.advance(2s);
    REQUIRE(reads.is_done());
    CHECK((*reads)[0].value().text() == "in time");
    CHECK((*reads)[1].error() == Errc::deadline_expired);
}

TEST_CASE_TEMPLATE("an earlier deadline is not delayed by the one before it", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<std::vector<Result<Chunk>>> reads(pair.loop,
                                              reading_with(*pair.near, {within(90s), within(1s)}));
    REQUIRE(pair.run(writing(*pair.far, "in time")));
    pair.settle();
    pair.advance(2s);
    CHECK(reads.is_done());
}

TEST_CASE_TEMPLATE("one direction expires while the other goes on", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(9s)));
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text, within(5s)));
    pair.settle();
    pair.advance(6s);
    REQUIRE(pair.turn_until([&] { return write.is_done(); }));
    CHECK(!read.is_done());
    pair.advance(4s);
    CHECK(read.is_done());
}

TEST_CASE_TEMPLATE("a quiet stream has no idle limit unless it is given one", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> patient(pair.loop, reading(*pair.near));
    pair.advance(std::chrono::hours(24));
    pair.settle();
    CHECK(!patient.is_done());
    patient.destroy();

    pair.near->set_idle_timeout(30s);
    Pending<Result<Chunk>> limited(pair.loop, reading(*pair.near));
    pair.advance(31s);
    REQUIRE(limited.is_done());
    CHECK(limited->error() == Errc::deadline_expired);
}

TEST_CASE_TEMPLATE("a read's own deadline replaces the idle limit", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    pair.near->set_idle_timeout(30s);
    Pending<Result<Chunk>> longer(pair.loop, reading(*pair.near, within(60s)));
    pair.advance(59s);
    CHECK(!longer.is_done());
    pair.advance(2s);
    CHECK(longer.is_done());
    Pending<Result<Chunk>> endless(pair.loop, reading(*pair.near, Deadline::never()));
    pair.advance(std::chrono::hours(24));
    CHECK(!endless.is_done());
}

TEST_CASE_TEMPLATE("a write that makes no progress for a minute fails", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    pair.settle();
    pair.advance(59s);
    CHECK(!write.is_done());
    pair.advance(2s);
    REQUIRE(write.is_done());
    CHECK(write->error() == Errc::deadline_expired);
}

TEST_CASE_TEMPLATE("progress extends the limit of a write that stalls", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    pair.settle();
    for (int i = 0; i < 4; ++i) {
        pair.advance(40s);
        CHECK(!write.is_done());
        const auto sent_before = pair.near->bytes_sent();
        static_cast<void>(pair.run(reading_exactly(*pair.far, 100 * 1024)));
        REQUIRE(pair.turn_until([&] { return pair.near->bytes_sent() > sent_before; }));
        pair.settle();
    }
    pair.advance(61s);
    pair.advance(61s); // the timer may have been armed before the last progress
    CHECK(write.is_done());
}

TEST_CASE_TEMPLATE("progress does not extend a write's own deadline", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text, within(50s)));
    pair.settle();
    pair.advance(40s);
    static_cast<void>(pair.run(reading_exactly(*pair.far, 100 * 1024)));
    pair.settle();
    pair.advance(11s);
    CHECK(write.is_done());
}

TEST_CASE_TEMPLATE("a stall limit of zero is none", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    pair.near->set_write_stall_timeout(0s);
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    pair.settle();
    pair.advance(std::chrono::hours(24));
    CHECK(!write.is_done());
}

TEST_CASE_TEMPLATE("input that is there beats a deadline that passed meanwhile", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> paused(pair.loop, reading(*pair.near, within(30s)));
    Pending<Result<void>> write(pair.loop, writing(*pair.far, "there"));
    pair.advance(40s); // as a machine that was stopped
    REQUIRE(pair.turn_until([&] { return paused.is_done(); }));
    CHECK(paused->value().text() == "there");
}

// No byte is lost, whatever ends a read.

enum class Interruption { deadline, cancel, destroy };

template <class T> void check_no_byte_lost(Interruption interruption) {
    Pair<T> pair;
    const std::string text = pattern(64'000);
    constexpr std::size_t piece_bytes = 1'000;
    std::string heard;
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
        Pending<Result<Chunk>> read(pair.loop, reading(*pair.near, within(5s)));
        if (at % 3 == 0) pair.settle();
        const std::string piece = text.substr(at, piece_bytes);
        REQUIRE(pair.run(writing(*pair.far, piece)));
        if (interruption == Interruption::deadline) pair.advance(6s);
        if (interruption == Interruption::cancel) read.cancel();
        if (interruption == Interruption::destroy && !read.is_done()) read.destroy();
        pair.settle();
        if (read.is_done() && *read) heard += (*read)->text();
    }
    REQUIRE(pair.run(shutting(*pair.far)));
    heard += pair.run(reading_all(*pair.near));
    CHECK((heard == text));
}

TEST_CASE_TEMPLATE("a deadline in the middle of reading loses no byte", T, TIDEMILL_EVERY_STREAM) {
    check_no_byte_lost<T>(Interruption::deadline);
}
TEST_CASE_TEMPLATE("a cancellation in the middle of reading loses no byte", T,
                   TIDEMILL_EVERY_STREAM) {
    check_no_byte_lost<T>(Interruption::cancel);
}
TEST_CASE_TEMPLATE("destroying the task in the middle of reading loses no byte", T,
                   TIDEMILL_EVERY_STREAM) {
    check_no_byte_lost<T>(Interruption::destroy);
}

} // namespace
} // namespace tidemill
