// Ends for which nobody waits: poll(2) and epoll report them for ever, wanted or not. The stream
// then takes its socket out of the selector, and the end is there for whoever waits next.
#include "conformance/support/counting_source.hpp"

#include <array>
#include <doctest/doctest.h>
#include <tidemill/net/tcp_stream.hpp>

namespace {

using namespace tidemill;
using namespace tidemill::conformance;

constexpr Duration ceiling = std::chrono::seconds(5);

Task<Result<std::size_t>> read_some(TcpStream& stream) {
    std::array<std::byte, 64> into;
    co_return co_await stream.read(into, within(ceiling));
}

Task<Result<void>> end_writing(TcpStream& stream) { co_return co_await stream.shutdown_write(); }

Task<Result<void>> write_in_vain(TcpStream& stream) {
    const std::string bytes(1 << 20, 'x');
    co_return co_await stream.write(bytes, within(Duration::zero()));
}

/// A stream that has been read from, so that the selector watches it, and for which nobody waits.
struct Fixture {
    explicit Fixture(bool is_full = false) {
        if (is_full) pair.fill_near();
        pair.far_sends("x");
        stream = TcpStream(loop.core(), pair.near.release());
        const Result<std::size_t> read = loop.run(read_some(stream));
        REQUIRE(read.has_value());
        REQUIRE(*read == 1);
    }
    /// The events of a hundred turns, of which the first waits for the end to arrive.
    [[nodiscard]] std::uint64_t events_of_many_turns(Duration first_wait = ceiling) {
        const std::uint64_t before = loop.counters().events;
        loop.run_once(first_wait);
        turn(loop, 100);
        return loop.counters().events - before;
    }
    EventLoop loop;
    LoopbackPair pair;
    TcpStream stream;
};

TEST_CASE("a peer's end for which nobody waits makes at most two events, and is not lost") {
    Fixture f;
    REQUIRE_FALSE(bool(detail::native_sockets().shutdown_write(f.pair.far.get())));
    const std::uint64_t events = f.events_of_many_turns();
    CHECK(events >= 1);
    CHECK(events <= 2);
    for (const int times : {1, 2}) {
        CAPTURE(times);
        const Result<std::size_t> read = f.loop.run(read_some(f.stream));
        REQUIRE(read.has_value());
        CHECK(*read == 0);
    }
}

TEST_CASE("a reset for which nobody waits makes at most two events, and is not lost") {
    Fixture f;
    f.pair.far.close_with_reset();
    const std::uint64_t events = f.events_of_many_turns();
    CHECK(events >= 1);
    CHECK(events <= 2);
    const Result<std::size_t> read = f.loop.run(read_some(f.stream));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error() == std::errc::connection_reset);
}

TEST_CASE("bytes and a reset for which nobody waits make at most two events, and are not lost") {
    Fixture f;
    send_all(f.pair.far.get(), "last words");
    f.pair.far.close_with_reset();
    CHECK(f.events_of_many_turns() <= 2);
    const Result<std::size_t> read = f.loop.run(read_some(f.stream));
    REQUIRE(read.has_value());
    CHECK(*read == 10);
    const Result<std::size_t> end = f.loop.run(read_some(f.stream));
    REQUIRE_FALSE(end.has_value());
    CHECK(end.error() == std::errc::connection_reset);
}

TEST_CASE("the end of both sides, for which nobody waits, makes at most two events") {
    Fixture f;
    REQUIRE(f.loop.run(end_writing(f.stream)).has_value());
    REQUIRE_FALSE(bool(detail::native_sockets().shutdown_write(f.pair.far.get())));
    const std::uint64_t events = f.events_of_many_turns();
    CHECK(events >= 1);
    CHECK(events <= 2);
    const Result<std::size_t> read = f.loop.run(read_some(f.stream));
    REQUIRE(read.has_value());
    CHECK(*read == 0);
    CHECK(f.events_of_many_turns(Duration::zero()) == 0);
}

TEST_CASE("a reset behind a write that nobody waits for any more makes at most two events") {
    Fixture f(true);
    const Result<void> written = f.loop.run(write_in_vain(f.stream));
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error() == Errc::deadline_expired);
    f.pair.far.close_with_reset();
    CHECK(f.events_of_many_turns() <= 2);
}

} // namespace
