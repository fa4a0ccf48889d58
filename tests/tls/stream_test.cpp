// TlsStream: what it says and hears, over each transport.
#include "tls/tls_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

TEST_CASE_TEMPLATE("both sides shake hands and tell on what", T, Memory, Tcp) {
    TlsPair<T> pair;
    pair.shake_hands();
    CHECK(pair.near->is_handshake_complete());
    CHECK(pair.near->peer_info().version == "TLSv1.3");
    CHECK(pair.far->peer_info().server_name == "localhost");
    CHECK(pair.near->tls_failure() == nullptr);
}

TEST_CASE_TEMPLATE("what is written is read, in both directions", T, Memory, Tcp) {
    TlsConnected<T> pair;
    REQUIRE(pair.run(writing(*pair.near, "question")));
    CHECK(pair.run(reading(*pair.far)).value().text() == "question");
    REQUIRE(pair.run(writing(*pair.far, "answer")));
    CHECK(pair.run(reading(*pair.near)).value().text() == "answer");
    CHECK(pair.near->bytes_sent() == 8);
    CHECK(pair.near->bytes_received() == 6);
}

TEST_CASE_TEMPLATE("reading and writing shake hands by themselves", T, Memory, Tcp) {
    TlsPair<T> pair;
    Pending<Result<Chunk>> heard(pair.loop, reading(*pair.far));
    REQUIRE(pair.run(writing(*pair.near, "hello")));
    REQUIRE(pair.turn_until([&] { return heard.is_done(); }));
    CHECK(heard->value().text() == "hello");
}

TEST_CASE_TEMPLATE("much goes through unchanged, whatever the sizes of reads", T, Memory, Tcp) {
    const std::string text = pattern(more_than_fits);
    for (const std::size_t piece : {std::size_t{100}, std::size_t{5000}, text.size()}) {
        CAPTURE(piece);
        TlsConnected<T> pair;
        Pending<Result<void>> written(pair.loop, writing(*pair.near, text));
        std::string all;
        while (all.size() < text.size()) {
            const std::size_t next = std::min(piece, text.size() - all.size());
            all += pair.run(reading_exactly(*pair.far, next));
        }
        CHECK(all == text);
        REQUIRE(written.is_done());
        CHECK(*written);
    }
}

TEST_CASE_TEMPLATE("much goes through as chunks, up to the orderly end", T, Memory, Tcp) {
    const std::string text = pattern(more_than_fits);
    TlsConnected<T> pair;
    Pending<std::string> heard(pair.loop, reading_all(*pair.far));
    REQUIRE(pair.run(writing(*pair.near, text)));
    REQUIRE(pair.run(shutting(*pair.near)));
    REQUIRE(pair.turn_until([&] { return heard.is_done(); }));
    CHECK(*heard == text);
    REQUIRE(pair.run(writing(*pair.far, "all of it")));
    REQUIRE(pair.run(shutting(*pair.far)));
    CHECK(pair.run(reading_all(*pair.near)) == "all of it");
}

TEST_CASE("one byte of ciphertext at a time changes nothing") {
    LoopFixture fixture;
    testing::PairOptions options;
    options.largest_transfer_bytes = 1;
    auto [near_end, far_end] = testing::make_stream_pair(fixture.loop, options);
    TlsStream near(std::move(near_end), client_context(), "localhost");
    TlsStream far(std::move(far_end), server_context());
    Pending<std::string> heard(fixture.loop, reading_all(far));
    REQUIRE(fixture.run(writing(near, "slowly")));
    REQUIRE(fixture.run(shutting(near)));
    REQUIRE(fixture.turn_until([&] { return heard.is_done(); }));
    CHECK(*heard == "slowly");
}

// How writes are sent

Task<void> write_three(TlsStream& stream) {
    for (int i = 0; i < 3; ++i) static_cast<void>(co_await stream.write("0123456789"));
}

TEST_CASE_TEMPLATE("small writes of one turn make one record", T, Memory, Tcp) {
    constexpr std::size_t record_overhead = 5 + 1 + 16;
    TlsConnected<T> pair;
    const std::uint64_t before = pair.near_inner->bytes_sent();
    {
        TaskScope scope(pair.loop);
        scope.spawn(write_three(*pair.near));
        CHECK(pair.near_inner->bytes_sent() == before);
    }
    pair.loop.run_once(0ms);
    CHECK(pair.near_inner->bytes_sent() - before == 30 + record_overhead);
}

TEST_CASE_TEMPLATE("a full record does not wait for the end of the turn", T, Memory, Tcp) {
    TlsConnected<T> pair;
    const std::uint64_t before = pair.near_inner->bytes_sent();
    const std::string text(TlsEngine::largest_write_bytes, 'x');
    Pending<Result<void>> written(pair.loop, writing(*pair.near, text));
    CHECK(pair.near_inner->bytes_sent() - before > 0);
}

TEST_CASE("gathered pieces make one record") {
    TlsConnected<Memory> pair;
    const auto gather = [](TlsStream& stream) -> Task<Result<void>> {
        co_return co_await stream.write("one ", "two ", "three");
    };
    const std::uint64_t before = pair.near_inner->bytes_sent();
    REQUIRE(pair.run(gather(*pair.near)));
    CHECK(pair.run(reading(*pair.far)).value().text() == "one two three");
    CHECK(pair.near_inner->bytes_sent() - before == 13 + 22);
}

TEST_CASE("writes complete while they are only pending, and suspend beyond the limit") {
    TlsConnected<Memory> pair;
    const std::string text(40'000, 'x');
    for (int i = 0; i < 2; ++i) CHECK(pair.run(writing(*pair.near, text)));
    Pending<Result<void>> third(pair.loop, writing(*pair.near, text));
    pair.settle();
    CHECK(!third.is_done());
    CHECK(pair.run(reading_exactly(*pair.far, 3 * text.size())) == text + text + text);
    REQUIRE(pair.turn_until([&] { return third.is_done(); }));
    CHECK(*third);
}

TEST_CASE_TEMPLATE("flush waits until the stream below has everything", T, Memory, Tcp) {
    TlsConnected<T> pair;
    REQUIRE(pair.run(flushing(*pair.near))); // nothing to flush
    const std::string text(60'000, 'x');
    REQUIRE(pair.run(writing(*pair.near, text)));
    Pending<Result<void>> flushed(pair.loop, flushing(*pair.near));
    CHECK(pair.run(reading_exactly(*pair.far, text.size())) == text);
    REQUIRE(pair.turn_until([&] { return flushed.is_done(); }));
    CHECK(*flushed);
    CHECK(pair.near_inner->bytes_sent() > text.size());
}

TEST_CASE("flush gives up at its deadline, and nothing is lost") {
    TlsConnected<Memory> pair;
    const std::string text(60'000, 'x');
    REQUIRE(pair.run(writing(*pair.near, text)));
    Pending<Result<void>> flushed(pair.loop, flushing(*pair.near, within(5s)));
    pair.settle();
    CHECK(!flushed.is_done());
    pair.advance(6s);
    pair.settle();
    REQUIRE(flushed.is_done());
    CHECK(flushed->error() == Errc::deadline_expired);
    CHECK(pair.run(reading_exactly(*pair.far, text.size())) == text);
}

TEST_CASE("nothing is received while nobody wants plain text") {
    TlsConnected<Memory> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.far));
    read.destroy();
    const std::uint64_t before = pair.far_inner->bytes_received();
    REQUIRE(pair.run(writing(*pair.near, "unasked for")));
    pair.settle();
    CHECK(pair.far_inner->bytes_received() == before);
    CHECK(pair.run(reading(*pair.far)).value().text() == "unasked for");
}

TEST_CASE("the text of a chunk lies where its ciphertext came") {
    TlsConnected<Memory> pair;
    const std::uint64_t leased_before = pair.loop.counters().leased_bytes;
    REQUIRE(pair.run(writing(*pair.near, "short")));
    const auto chunk = pair.run(reading(*pair.far));
    REQUIRE(chunk);
    CHECK(pair.loop.counters().leased_bytes - leased_before == 4096);
}

} // namespace
} // namespace tidemill
