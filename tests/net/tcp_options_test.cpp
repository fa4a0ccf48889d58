// The options of an open TCP stream, as the system has them.
#include "support/stream_pairs.hpp"

namespace tidemill {
namespace {

using support::LoopFixture;

Task<TcpStream> connected(EventLoop& loop, const Endpoint& to) {
    co_return or_throw(co_await TcpStream::connect(loop, to));
}

TEST_CASE("options of an open stream are switched on and off") {
    LoopFixture fixture;
    const Endpoint any(IpAddress::loopback_v4(), 0);
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

} // namespace
} // namespace tidemill
