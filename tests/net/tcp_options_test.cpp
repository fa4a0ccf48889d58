// The options of TCP sockets, as the system has them, and what it knows about a connection.
#include "core/loop_core.hpp"
#include "support/stream_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

Task<TcpStream> connected(EventLoop& loop, Endpoint to, TcpOptions options = {}) {
    co_return or_throw(co_await TcpStream::connect(loop, to, Deadline(), options));
}
Task<TcpStream> accepted(TcpListener& listener) { co_return or_throw(co_await listener.accept()); }

const Endpoint any(IpAddress::loopback_v4(), 0);

int option_of(NativeSocket socket, detail::SocketOption option) {
    const detail::OptionResult result = detail::native_sockets().option(socket, option);
    REQUIRE(!result.error);
    return result.value;
}

TEST_CASE("options of an open stream are switched on and off") {
    LoopFixture fixture;
    const auto listener = or_throw(TcpListener::listen(fixture.loop, any));
    TcpStream stream = fixture.run(connected(fixture.loop, listener->endpoint()));
    for (const bool is_on : {true, false, true}) {
        CAPTURE(is_on);
        TcpOptions options;
        options.keep_alive = options.no_delay = is_on;
        REQUIRE(stream.set_options(options).has_value());
        const TcpOptions now = or_throw(stream.options());
        CHECK(now.keep_alive == is_on);
        CHECK(now.no_delay == is_on);
    }
}

TcpOptions unusual_options() {
    TcpOptions options;
    options.no_delay = false;
    options.keep_alive = true;
    options.receive_buffer_bytes = 32 * 1024;
    options.send_buffer_bytes = 48 * 1024;
    options.keep_alive_idle = 33s;
    options.keep_alive_interval = 6500ms; // rounded up
    options.keep_alive_count = 4;
    if (!os_facts().is_wine) options.user_timeout = 12'345ms;
    return options;
}

void check_unusual(const TcpOptions& now) {
    const TcpOptions wanted = unusual_options();
    CHECK(now.no_delay == wanted.no_delay);
    CHECK(now.keep_alive == wanted.keep_alive);
    const auto is_as_wanted_or_doubled = [](int found, int asked) {
        return found == asked || found == 2 * asked; // Linux doubles it, and tells that
    };
    CHECK(is_as_wanted_or_doubled(now.receive_buffer_bytes, wanted.receive_buffer_bytes));
    CHECK(is_as_wanted_or_doubled(now.send_buffer_bytes, wanted.send_buffer_bytes));
    CHECK(now.user_timeout == wanted.user_timeout);
    if (os_facts().is_wine) return; // which sets the rest, and does not tell it
    CHECK(now.keep_alive_idle == 33s);
    CHECK(now.keep_alive_interval == 7s);
    CHECK(now.keep_alive_count == 4);
}

TEST_CASE("every option of a connection is there, whoever has made it") {
    LoopFixture fixture;
    ListenOptions options;
    options.stream = unusual_options();
    const auto listener = or_throw(TcpListener::listen(fixture.loop, any, options));
    Pending<TcpStream> other_end(fixture.loop, accepted(*listener));
    TcpStream stream =
        fixture.run(connected(fixture.loop, listener->endpoint(), unusual_options()));
    REQUIRE(fixture.turn_until([&] { return other_end.is_done(); }));
    check_unusual(or_throw(stream.options()));
    check_unusual(or_throw(other_end->options()));

    // What is 0 stays as it is, and small messages need not be told to be sent.
    REQUIRE(stream.set_options({}));
    const TcpOptions now = or_throw(stream.options());
    CHECK(now.no_delay);
    CHECK(!now.keep_alive);
    CHECK(now.user_timeout == unusual_options().user_timeout);
}

TEST_CASE("small messages are sent at once unless somebody says otherwise") {
    LoopFixture fixture;
    const auto listener = or_throw(TcpListener::listen(fixture.loop, any));
    Pending<TcpStream> other_end(fixture.loop, accepted(*listener));
    const TcpStream stream = fixture.run(connected(fixture.loop, listener->endpoint()));
    REQUIRE(fixture.turn_until([&] { return other_end.is_done(); }));
    CHECK(or_throw(stream.options()).no_delay);
    CHECK(or_throw(other_end->options()).no_delay);
}

TEST_CASE("the policy of a listening port is the one that was asked for") {
    LoopFixture fixture;
    using detail::SocketOption;
    for (const bool is_on : {true, false}) {
        CAPTURE(is_on);
        ListenOptions options;
        options.reuse_address = is_on;
        const auto v4 = or_throw(TcpListener::listen(fixture.loop, any, options));
        CHECK((option_of(v4->native_handle(), SocketOption::reuse_address) != 0) == is_on);
        options.dual_stack = is_on;
        const Endpoint every_v6 = or_throw(Endpoint::parse("[::]:0"));
        const auto v6 = or_throw(TcpListener::listen(fixture.loop, every_v6, options));
        CHECK((option_of(v6->native_handle(), SocketOption::v6_only) == 0) == is_on);
    }
}

TEST_CASE("two listeners share a port only if both were asked to") {
    LoopFixture fixture;
    const auto first = or_throw(TcpListener::listen(fixture.loop, any));
    const auto second = TcpListener::listen(fixture.loop, first->endpoint());
    REQUIRE(!second);
    CHECK(second.error() == std::errc::address_in_use);
}

// What the system knows

Task<Result<void>> filling(TcpStream& stream, Bytes bytes) {
    co_return co_await stream.write(bytes, within(0ms));
}

TEST_CASE("the system tells of an open connection, field by field, or says that it does not") {
    Pair<Tcp> pair;
    REQUIRE(pair.run(writing(*pair.near, "x")));
    CHECK(pair.run(reading(*pair.far)).value().text() == "x");
    const Result<TcpInfo> info = pair.near->info();
    if (os_facts().is_wine) {
        CHECK(info.error() == std::errc::not_supported);
        return;
    }
    REQUIRE(info);
    CHECK(info->state == TcpState::established);
    CHECK(info->round_trip_time > Duration::zero());
    CHECK(info->congestion_window_bytes > 0U);
    CHECK(info->unacknowledged_bytes == 0U);
    CHECK(info->to_string().starts_with("established, round trip "));
    if (os_facts().is_windows) return;
    CHECK(info->round_trip_variance > Duration::zero());
    CHECK(info->retransmitted_segments == 0U);
    CHECK(info->retransmitted_bytes == 0U);
    CHECK(info->unsent_bytes == 0U);
    CHECK(info->delivery_rate_bytes_per_second.has_value());

    const std::string much = pattern(more_than_fits);
    REQUIRE(!pair.run(filling(*pair.near, much)));
    CHECK(pair.near->info()->unsent_bytes > 0U); // the peer does not read
    pair.near->abort();
    CHECK(pair.near->info().error() == Errc::closed_locally);
}

TEST_CASE("what the system does not tell is left out of the line") {
    CHECK(TcpInfo().to_string() == "nothing known");
    TcpInfo info;
    info.state = TcpState::close_wait;
    info.round_trip_time = 1'500us;
    info.unsent_bytes = 3;
    CHECK(info.to_string() == "close wait, round trip 1.500 ms, unsent 3 bytes");
}

} // namespace
} // namespace tidemill
