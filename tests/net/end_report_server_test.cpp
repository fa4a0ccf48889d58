// Reports of connections that no task holds: refused ones, and those of a server.
#include "support/os.hpp"
#include "support/stream_pairs.hpp"
#include <tidemill/net/server.hpp>

namespace tidemill {
namespace {

using namespace support;

std::string word(EndKind kind) { return name_of(kind); }

Task<Result<TcpStream>> connecting(EventLoop& loop, Endpoint peer) {
    co_return co_await TcpStream::connect(loop, peer);
}

TEST_CASE("a connection that was refused has a report of its own") {
    LoopFixture fixture;
    const Endpoint any(IpAddress::loopback_v4(), 0);
    auto listener = or_throw(TcpListener::listen(fixture.loop, any));
    const Endpoint nobody = listener->endpoint();
    listener->close();
    const auto refused = fixture.run(connecting(fixture.loop, nobody));
    REQUIRE(!refused);
    const EndReport report = EndReport::of_failed_connect(nobody, refused.error());
    CHECK(report.kind == EndKind::failed);
    CHECK(report.phase == StreamPhase::connecting);
    CHECK(report.to_string() == "failed while connecting, peer " + nobody.to_string() +
                                    ", 0 bytes in, 0 out: " + refused.error().message());
}

// Servers

std::vector<EndReport> reports; // a plain function has nothing else to write to

Task<void> read_once(Stream& peer) { static_cast<void>(co_await peer.read()); }

TEST_CASE("a server tells how each connection has ended, and whose it was") {
    reports.clear();
    LoopFixture fixture;
    ServerOptions options;
    options.idle_timeout = 1s;
    options.on_end = [](const EndReport& report) noexcept { reports.push_back(report); };
    Server server = or_throw(Server::listen(fixture.loop, "127.0.0.1:0", options));
    server.serve(read_once);
    std::vector<TcpStream> peers;
    for (int i = 0; i < 3; ++i)
        peers.push_back(or_throw(fixture.run(connecting(fixture.loop, server.endpoint()))));
    REQUIRE(fixture.turn_until([&] { return server.counters().active == 3; }));
    std::vector<Endpoint> names;
    for (const TcpStream& peer : peers) names.push_back(or_throw(peer.local_endpoint()));

    peers[0].abort();
    REQUIRE(fixture.turn_until([] { return reports.size() == 1; }));
    peers[1].close();
    REQUIRE(fixture.turn_until([] { return reports.size() == 2; }));
    fixture.advance(2s);
    REQUIRE(fixture.turn_until([] { return reports.size() == 3; }));
    const EndKind kinds[] = {EndKind::reset, EndKind::orderly, EndKind::timed_out};
    for (std::size_t i = 0; i < 3; ++i) {
        CAPTURE(i);
        CHECK(word(reports[i].kind) == word(kinds[i]));
        const bool is_forgotten =
            support::os_facts().reset_hides_peer && kinds[i] == EndKind::reset && !reports[i].peer;
        CHECK((reports[i].peer == names[i] || is_forgotten));
    }
}

} // namespace
} // namespace tidemill
