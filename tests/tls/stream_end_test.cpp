// TlsStream: how it ends, and that no other end is taken for an orderly one.
#include "support/death.hpp"
#include "tls/tls_pairs.hpp"
#include <array>

namespace tidemill {
namespace {

using namespace support;

constexpr const char* truncated_text = "<the stream was truncated>";

TEST_CASE_TEMPLATE("an end that was announced is orderly, for ever after", T, Memory, Tcp) {
    TlsConnected<T> pair;
    REQUIRE(pair.run(writing(*pair.far, "last")));
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.run(reading(*pair.near)).value().text() == "last");
    for (int i = 0; i < 3; ++i) CHECK(pair.run(reading(*pair.near)).value().empty());
}

TEST_CASE_TEMPLATE("a transport that ends by itself truncates, for ever after", T, Memory, Tcp) {
    TlsConnected<T> pair;
    REQUIRE(pair.run(writing(*pair.far, "first half")));
    REQUIRE(pair.run(flushing(*pair.far)));
    REQUIRE(pair.run(shutting(*pair.far_inner)));
    CHECK(pair.run(reading_all(*pair.near)) == std::string("first half") + truncated_text);
    CHECK(pair.run(reading_all(*pair.near)) == truncated_text);
    CHECK(pair.run(writing(*pair.near, "x")).error() == Errc::truncated);
    CHECK(pair.run(closing(*pair.near)).error() == Errc::truncated);
}

TEST_CASE_TEMPLATE("a reset stays a reset", T, Memory, Tcp) {
    TlsConnected<T> pair;
    pair.far_inner->abort();
    CHECK(pair.run(reading_all(*pair.near)) == "<Connection reset by peer>");
    CHECK(pair.run(writing(*pair.near, "x")).error() == std::errc::connection_reset);
}

TEST_CASE_TEMPLATE("an aborted stream is a reset to its peer", T, Memory, Tcp) {
    TlsConnected<T> pair;
    pair.far->abort();
    CHECK(!pair.far->is_open());
    CHECK(pair.run(reading_all(*pair.near)) == "<Connection reset by peer>");
    CHECK(pair.run(reading(*pair.far)).error() == Errc::closed_locally);
}

TEST_CASE_TEMPLATE("a destroyed stream has sent what was pending, and its end", T, Memory, Tcp) {
    TlsConnected<T> pair;
    REQUIRE(pair.run(writing(*pair.far, "and goodbye")));
    pair.far.reset();
    CHECK(pair.run(reading_all(*pair.near)) == "and goodbye");
}

TEST_CASE("a stream closed with output that is not taken is reset, never ended in order") {
    TlsConnected<Memory> pair;
    const std::string text(60'000, 'x');
    REQUIRE(pair.run(writing(*pair.far, text)));
    pair.settle();
    const std::uint64_t before = pair.loop.counters().linger_aborts;
    pair.far.reset();
    CHECK(pair.loop.counters().linger_aborts == before + 1);
    const std::string heard = pair.run(reading_all(*pair.near));
    CHECK(heard.ends_with("<Connection reset by peer>"));
}

TEST_CASE_TEMPLATE("each side may end first and still be answered", T, Memory, Tcp) {
    TlsConnected<T> pair;
    REQUIRE(pair.run(shutting(*pair.near)));
    CHECK(pair.run(reading_all(*pair.far)).empty());
    const std::string text = pattern(50'000);
    REQUIRE(pair.run(writing(*pair.far, text)));
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.run(reading_all(*pair.near)) == text);
    CHECK(pair.run(writing(*pair.near, "late")).error() == std::errc::broken_pipe);
}

TEST_CASE_TEMPLATE("an end before the handshake is announced after it", T, Memory, Tcp) {
    TlsPair<T> pair;
    Pending<std::string> heard(pair.loop, reading_all(*pair.far));
    REQUIRE(pair.run(shutting(*pair.near)));
    REQUIRE(pair.turn_until([&] { return heard.is_done(); }));
    CHECK(heard->empty());
}

TEST_CASE_TEMPLATE("two graceful closes meet", T, Memory, Tcp) {
    TlsConnected<T> pair;
    const std::string text = pattern(50'000);
    REQUIRE(pair.run(writing(*pair.far, text))); // nobody reads it
    Pending<Result<void>> near(pair.loop, closing(*pair.near));
    Pending<Result<void>> far(pair.loop, closing(*pair.far));
    REQUIRE(pair.turn_until([&] { return near.is_done() && far.is_done(); }));
    CHECK(*near);
    CHECK(*far);
    CHECK(!pair.near->is_open());
}

TEST_CASE_TEMPLATE("a graceful close sends all that is pending", T, Memory, Tcp) {
    TlsConnected<T> pair;
    const std::string text(60'000, 'x');
    REQUIRE(pair.run(writing(*pair.near, text)));
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    CHECK(pair.run(reading_all(*pair.far)) == text);
    REQUIRE(pair.run(shutting(*pair.far)));
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(*close);
}

TEST_CASE_TEMPLATE("a peer that never answers costs a graceful close its deadline", T, Memory,
                   Tcp) {
    TlsConnected<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near, within(7s)));
    pair.advance(6s);
    CHECK(!close.is_done());
    pair.advance(2s);
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(close->error() == Errc::deadline_expired);
    CHECK(!pair.near->is_open());
}

TEST_CASE_TEMPLATE("a graceful close tells of a peer that was cut off", T, Memory, Tcp) {
    TlsConnected<T> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    REQUIRE(pair.run(shutting(*pair.far_inner)));
    REQUIRE(pair.turn_until([&] { return close.is_done(); }));
    CHECK(close->error() == Errc::truncated);
}

TEST_CASE("a peer that sends without end is not waited for") {
    TlsConnected<Memory> pair;
    Pending<Result<void>> close(pair.loop, closing(*pair.near));
    const std::string flood(std::size_t{3} << 20, 'x');
    CHECK(!pair.run(writing(*pair.far, flood)));
    REQUIRE(close.is_done());
    CHECK(close->error() == Errc::limit_reached);
}

// Torn

TEST_CASE_TEMPLATE("a torn stream announces no end", T, Memory, Tcp) {
    TlsConnected<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text, within(5s)));
    pair.settle();
    pair.advance(6s);
    pair.settle();
    REQUIRE(write.is_done());
    CHECK(write->error() == Errc::deadline_expired);
    CHECK(write->error().bytes_written() > 0);
    CHECK(pair.run(shutting(*pair.near)).error() == Errc::torn);
    CHECK(pair.run(writing(*pair.near, "x")).error() == Errc::torn);
    CHECK(pair.run(closing(*pair.near)).error() == Errc::torn);
    CHECK(!pair.near->is_open());
    const std::string heard = pair.run(reading_all(*pair.far));
    CHECK(heard.ends_with("<Connection reset by peer>"));
    CHECK(heard.size() < text.size());
}

TEST_CASE("a write of which nothing was accepted tears nothing") {
    TlsConnected<Memory> pair;
    const std::string kibibyte(1024, 'x'); // a record is a whole number of these
    std::size_t accepted = 0;
    for (bool is_full = false; !is_full;) {
        Pending<Result<void>> write(pair.loop, writing(*pair.near, kibibyte));
        pair.settle();
        is_full = !write.is_done();
        if (!is_full) accepted += kibibyte.size();
    }
    CHECK(accepted > 64 * kibibyte.size());
    REQUIRE(pair.run(reading_exactly(*pair.far, accepted)).size() == accepted);
    CHECK(pair.run(writing(*pair.near, "goes on")));
    CHECK(pair.run(reading_exactly(*pair.far, 7)) == "goes on");
}

TEST_CASE("a peer that stops reading tears a stalled write") {
    TlsConnected<Memory> pair;
    pair.near->set_write_stall_timeout(20s);
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    pair.advance(19s);
    CHECK(!write.is_done());
    pair.advance(2s);
    pair.settle();
    REQUIRE(write.is_done());
    CHECK(write->error() == Errc::deadline_expired);
    CHECK(pair.run(shutting(*pair.near)).error() == Errc::torn);
}

// Both directions at once

TEST_CASE_TEMPLATE("two sides that both write before they read do not wait for each other", T,
                   Memory, Tcp) {
    TlsConnected<T> pair;
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> to_far(pair.loop, writing(*pair.near, text));
    Pending<Result<void>> to_near(pair.loop, writing(*pair.far, text));
    pair.settle();
    CHECK(!to_far.is_done());
    Pending<std::string> near(pair.loop, reading_exactly(*pair.near, text.size()));
    Pending<std::string> far(pair.loop, reading_exactly(*pair.far, text.size()));
    REQUIRE(pair.turn_until([&] { return near.is_done() && far.is_done(); }));
    CHECK(*near == text);
    CHECK(*far == text);
}

TEST_CASE("a second reader, writer, or one beside a graceful close is misuse") {
    TlsConnected<Memory> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    DIES_WITH("a stream is read by one task at a time",
              [&] { static_cast<void>(pair.run(reading(*pair.near))); });
    DIES_WITH("a stream is not closed gracefully while somebody waits on it",
              [&] { static_cast<void>(pair.run(closing(*pair.near))); });
}

} // namespace
} // namespace tidemill
