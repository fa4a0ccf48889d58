// The handshake of a TlsStream: its deadline, its failures, its ration, its accounts.
#include "tls/tls_loop.hpp"
#include "tls/tls_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

TEST_CASE_TEMPLATE("a peer that says nothing costs ten seconds", T, Memory, Tcp) {
    TlsPair<T> pair;
    Pending<Result<void>> shaking(pair.loop, shaking_hands(*pair.far));
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.far, Deadline::never()));
    pair.advance(9s);
    CHECK(!shaking.is_done());
    pair.advance(2s);
    pair.settle();
    REQUIRE(shaking.is_done());
    CHECK(shaking->error() == Errc::deadline_expired);
    REQUIRE(read.is_done());
    CHECK(read->error() == Errc::deadline_expired);
    CHECK(pair.run(shaking_hands(*pair.far)).error() == Errc::deadline_expired);
}

TEST_CASE_TEMPLATE("the handshake has the deadline that it is given", T, Memory, Tcp) {
    TlsPair<T> pair;
    Pending<Result<void>> shaking(pair.loop, shaking_hands(*pair.far, within(60s)));
    pair.advance(59s);
    CHECK(!shaking.is_done());
    REQUIRE(pair.run(shaking_hands(*pair.near)));
    REQUIRE(pair.turn_until([&] { return shaking.is_done(); }));
    CHECK(*shaking);
    pair.advance(60s);
    REQUIRE(pair.run(writing(*pair.near, "still here")));
    CHECK(pair.run(reading(*pair.far)).value().text() == "still here");
}

TEST_CASE_TEMPLATE("a server that is not trusted hears why, and so does the caller", T, Memory,
                   Tcp) {
    TlsClientOptions options = client_options();
    options.trust.authorities = {certificate_file("other_authority.pem")};
    TlsPair<T> pair(server_context(), client_context(options));
    Pending<Result<void>> server(pair.loop, shaking_hands(*pair.far));
    const Result<void> client = pair.run(shaking_hands(*pair.near));
    REQUIRE(!client);
    CHECK(client.error() == Errc::not_trusted);
    CHECK(client.error().message().find("CN = localhost") != std::string::npos);
    REQUIRE(pair.turn_until([&] { return server.is_done(); }));
    CHECK(server->error() == Errc::tls_alert);
    CHECK(server->error().message().find("unknown CA") != std::string::npos);
    CHECK(pair.run(writing(*pair.near, "secret")).error() == Errc::not_trusted);
    CHECK(pair.run(reading(*pair.far)).error() == Errc::tls_alert);
    REQUIRE(pair.near->tls_failure() != nullptr);
    CHECK(pair.near->tls_failure()->message() == client.error().message());
}

TEST_CASE_TEMPLATE("a transport that ends in the handshake truncates it", T, Memory, Tcp) {
    TlsPair<T> pair;
    Pending<Result<void>> server(pair.loop, shaking_hands(*pair.far));
    REQUIRE(pair.run(shutting(*pair.near_inner)));
    REQUIRE(pair.turn_until([&] { return server.is_done(); }));
    CHECK(server->error() == Errc::truncated);
}

TEST_CASE_TEMPLATE("a client that speaks no TLS is told so", T, Memory, Tcp) {
    TlsPair<T> pair;
    Pending<Result<void>> server(pair.loop, shaking_hands(*pair.far));
    REQUIRE(pair.run(writing(*pair.near_inner, "GET / HTTP/1.1\r\n\r\n")));
    REQUIRE(pair.turn_until([&] { return server.is_done(); }));
    CHECK(server->error() == Errc::tls_failed);
    CHECK(server->error().message().find("http request") != std::string::npos);
}

TEST_CASE("a cancelled handshake may be awaited again") {
    TlsPair<Memory> pair;
    Pending<Result<void>> first(pair.loop, shaking_hands(*pair.near));
    first.cancel();
    pair.settle();
    REQUIRE(first.is_done());
    CHECK(first->error() == Errc::cancelled);
    pair.shake_hands();
    CHECK(pair.near->is_handshake_complete());
}

TEST_CASE("a crowd of handshakes takes turns") {
    LoopFixture fixture;
    struct Both {
        std::unique_ptr<TlsStream> client;
        std::unique_ptr<TlsStream> server;
    };
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    std::vector<Both> crowd;
    TaskScope scope(fixture.loop);
    for (int i = 0; i < 20; ++i) {
        auto [near_end, far_end] = testing::make_stream_pair(fixture.loop);
        crowd.push_back({std::make_unique<TlsStream>(std::move(near_end), client, "localhost"),
                         std::make_unique<TlsStream>(std::move(far_end), server)});
        scope.spawn([](TlsStream& stream) -> Task<void> {
            static_cast<void>(co_await stream.handshake());
        }(*crowd.back().client));
        scope.spawn([](TlsStream& stream) -> Task<void> {
            static_cast<void>(co_await stream.handshake());
        }(*crowd.back().server));
    }
    std::ptrdiff_t complete_before = 0;
    std::ptrdiff_t most_in_a_turn = 0;
    const auto is_complete = [](const Both& both) {
        return both.client->is_handshake_complete() && both.server->is_handshake_complete();
    };
    REQUIRE(fixture.turn_until([&] {
        const auto complete = std::count_if(crowd.begin(), crowd.end(), is_complete);
        most_in_a_turn = std::max(most_in_a_turn, complete - complete_before);
        complete_before = complete;
        return complete == 20;
    }));
    CHECK(most_in_a_turn <= detail::TlsLoop::handshakes_per_turn);
    CHECK(most_in_a_turn > 0);
}

TEST_CASE("the client resumes a session, over streams") {
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    for (const bool is_resumed : {false, true, true}) {
        TlsPair<Memory> pair(server, client);
        pair.shake_hands();
        REQUIRE(pair.run(writing(*pair.far, "x")));
        REQUIRE(pair.run(reading(*pair.near)));
        CHECK(pair.near->peer_info().resumed == is_resumed);
    }
}

TEST_CASE("tickets and the first data leave in one send") {
    TlsPair<Tcp> pair;
    Pending<Result<void>> client(pair.loop, shaking_hands(*pair.near));
    std::uint64_t sent_before = 0;
    Pending<Result<void>> server(
        pair.loop, [](TlsStream& stream, Stream& inner, std::uint64_t& sent) -> Task<Result<void>> {
            const auto shaken = co_await stream.handshake();
            sent = inner.bytes_sent();
            if (!shaken) co_return failure(shaken.error());
            co_return co_await stream.write("first");
        }(*pair.far, *pair.far_inner, sent_before));
    REQUIRE(pair.turn_until([&] { return server.is_done(); }));
    REQUIRE(*server);
    pair.loop.run_once(0ms);
    constexpr std::size_t tickets = 2;
    constexpr std::size_t least_ticket_bytes = 150;
    // None of it had left when the handler began, so all of it is of one flush.
    CHECK(pair.far_inner->bytes_sent() - sent_before > tickets * least_ticket_bytes);
}

} // namespace
} // namespace tidemill
