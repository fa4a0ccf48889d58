// The ends of a stream, over each transport: orderly ends, resets, and who hears of them first.
#include "support/death.hpp"
#include "support/stream_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

TEST_CASE_TEMPLATE("an orderly end is a value for ever after, for chunks", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(writing(*pair.far, "last")));
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.run(reading(*pair.near)).value().text() == "last");
    for (int i = 0; i < 3; ++i) {
        const Result<Chunk> end = pair.run(reading(*pair.near));
        REQUIRE(end);
        CHECK(end->empty());
    }
}

TEST_CASE_TEMPLATE("an orderly end is a value for ever after, for spans", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    std::array<std::byte, 64> buffer;
    Pending<Result<std::size_t>> waiting(pair.loop, reading_into(*pair.near, buffer));
    REQUIRE(pair.run(shutting(*pair.far)));
    REQUIRE(pair.turn_until([&] { return waiting.is_done(); }));
    CHECK(waiting->value() == 0);
    for (int i = 0; i < 3; ++i) CHECK(pair.run(reading_into(*pair.near, buffer)).value() == 0);
}

TEST_CASE_TEMPLATE("reading into an empty span is misuse", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    DIES_WITH("a stream is not read into an empty span",
              [&] { pair.run(reading_into(*pair.near, {})).value(); });
}

TEST_CASE_TEMPLATE("the peer may end first and still be answered", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.run(reading(*pair.near)).value().empty());
    REQUIRE(pair.run(writing(*pair.near, "answer")));
    REQUIRE(pair.run(shutting(*pair.near)));
    CHECK(pair.run(reading_all(*pair.far)) == "answer");
}

TEST_CASE_TEMPLATE("our end may be sent twice, and nothing after it", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(shutting(*pair.near)));
    CHECK(pair.run(shutting(*pair.near)));
    const Result<void> late = pair.run(writing(*pair.near, "late"));
    REQUIRE(!late);
    CHECK(late.error() == std::errc::broken_pipe);
    CHECK(late.error().bytes_written() == 0);
    REQUIRE(pair.run(writing(*pair.far, "still open")));
    CHECK(pair.run(reading(*pair.near)).value().text() == "still open");
}

// The first fatal error met by either direction is final.

enum class Cut { reset, data_and_reset, end_and_reset };
enum class First { read, write };

struct CutCase {
    const char* name;
    Cut cut;
    First first;
    const char* read;  ///< all that a reader gets, up to its end
    std::errc written; ///< what a writer is told
};

constexpr const char* reset_text = "<Connection reset by peer>";
constexpr CutCase cut_cases[] = {
    {"reset, read first", Cut::reset, First::read, "", std::errc::connection_reset},
    {"reset, write first", Cut::reset, First::write, "", std::errc::connection_reset},
    {"data and reset, read first", Cut::data_and_reset, First::read, "data",
     std::errc::connection_reset},
    {"data and reset, write first", Cut::data_and_reset, First::write, "data",
     std::errc::connection_reset},
    {"an end, then our write provokes a reset, read first", Cut::end_and_reset, First::read, "",
     std::errc::broken_pipe},
    {"an end, then our write provokes a reset, write first", Cut::end_and_reset, First::write, "",
     std::errc::broken_pipe},
};

template <class T> void make_cut(Pair<T>& pair, Cut cut) {
    if (cut == Cut::data_and_reset) REQUIRE(pair.run(writing(*pair.far, "data")));
    if (cut == Cut::end_and_reset) {
        pair.far->close(); // lingers, and resets at the first byte that it has to discard
        REQUIRE(pair.run(writing(*pair.near, "provokes")));
    } else {
        pair.far->abort();
    }
    pair.settle();
}

template <class T> void check_cut(Pair<T>& pair, const CutCase& c) {
    std::errc written = c.written;
    std::string ending = c.cut == Cut::end_and_reset ? "" : reset_text;
    const auto reset_may_hide_end = [&](bool has_hidden) {
        if (!os_facts().reset_hides_end || c.cut != Cut::end_and_reset || !has_hidden) return;
        written = std::errc::connection_reset; // and from here on for both directions
        ending = reset_text;
    };
    const auto check_write = [&] {
        const Result<void> sent = pair.run(writing(*pair.near, "x"));
        REQUIRE(!sent);
        reset_may_hide_end(c.first == First::write && sent.error() == std::errc::connection_reset);
        CHECK(sent.error() == written);
        CHECK(sent.error().bytes_written() == 0);
    };
    if (c.first == First::write) check_write();
    const std::string all = pair.run(reading_all(*pair.near));
    reset_may_hide_end(c.first == First::read && all == reset_text);
    CHECK(all == c.read + ending);
    for (int i = 0; i < 2; ++i) {
        check_write();
        CHECK(pair.run(reading_all(*pair.near)) == ending);
        const Result<void> shut = pair.run(shutting(*pair.near));
        REQUIRE(!shut);
        CHECK(shut.error() == written);
    }
}

TEST_CASE_TEMPLATE("the first fatal error is final for both directions", T, Memory, Tcp) {
    LoopOptions options;
    options.linger_bytes = 0;
    for (const CutCase& c : cut_cases) {
        SUBCASE(c.name) {
            Pair<T> pair(options);
            make_cut(pair, c.cut);
            check_cut(pair, c);
        }
    }
}

TEST_CASE_TEMPLATE("a reset ends a waiting read and a waiting write with the same error", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string much = pattern(more_than_fits);
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    Pending<Result<void>> write(pair.loop, writing(*pair.near, much));
    pair.settle();
    REQUIRE(!write.is_done());
    pair.far->abort();
    REQUIRE(pair.turn_until([&] { return read.is_done() && write.is_done(); }));
    CHECK(read->error() == std::errc::connection_reset);
    CHECK(write->error() == std::errc::connection_reset);
    CHECK(write->error().bytes_written() > 0);
}

TEST_CASE_TEMPLATE("shutting a stream that was reset tells of the reset", T, Memory, Tcp) {
    Pair<T> pair;
    pair.far->abort();
    pair.settle();
    const Result<void> shut = pair.run(shutting(*pair.near));
    REQUIRE(!shut);
    CHECK(shut.error() == std::errc::connection_reset);
    CHECK(pair.run(reading_all(*pair.near)) == reset_text);
}

TEST_CASE_TEMPLATE("a closed stream says so in every operation", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    pair.near->close();
    CHECK(!pair.near->is_open());
    std::array<std::byte, 8> buffer;
    CHECK(pair.run(reading(*pair.near)).error() == Errc::closed_locally);
    CHECK(pair.run(reading_into(*pair.near, buffer)).error() == Errc::closed_locally);
    CHECK(pair.run(writing(*pair.near, "x")).error() == Errc::closed_locally);
    CHECK(pair.run(shutting(*pair.near)).error() == Errc::closed_locally);
    CHECK(pair.run(closing(*pair.near)).error() == Errc::closed_locally);
}

TEST_CASE_TEMPLATE("bytes are counted where they pass", T, Memory, Tcp) {
    Pair<T> pair;
    const std::string text = pattern(5000);
    REQUIRE(pair.run(writing(*pair.far, text)));
    CHECK(pair.run(reading_exactly(*pair.near, text.size())) == text);
    CHECK(pair.far->bytes_sent() == 5000);
    CHECK(pair.near->bytes_received() == 5000);
    CHECK(pair.loop.counters().bytes_sent == 5000);
    CHECK(pair.loop.counters().bytes_received == 5000);
}

} // namespace
} // namespace tidemill
