// What a peer, or the program around, may do to an engine: stale errors, floods, rubbish.
#include "tls/openssl_errors.hpp"
#include "tls/tls_session.hpp"
#include "tls/tls_support.hpp"
#include <array>
#include <openssl/err.h>

namespace tidemill {
namespace {

using namespace support;

SSL* ssl_of(Talker& talker) { return talker.engine.session().ssl.get(); }

// Somebody else on this thread has failed and left its reasons behind.
void plant_stale_error() { ERR_raise_data(ERR_LIB_SYS, 2, "stale"); }

TEST_CASE("a stale entry in OpenSSL's queue changes no step") {
    Conversation both(server_context(), client_context());
    const auto with_stale = [](Talker& talker, auto step) {
        return talker.step([&](TlsEngine& engine) {
            plant_stale_error();
            return step(engine);
        });
    };
    const auto shake = [](TlsEngine& engine) { return engine.handshake(); };
    for (int i = 0; i < 4; ++i) {
        CHECK(with_stale(both.client, shake) != TlsNext::failed);
        deliver(both.client, both.server);
        CHECK(with_stale(both.server, shake) != TlsNext::failed);
        deliver(both.server, both.client);
    }
    REQUIRE(both.client.engine.is_handshake_complete());
    std::vector<std::byte> buffer(100);
    std::size_t count = 0;
    const auto read = [&](TlsEngine& engine) { return engine.read(buffer, count); };
    CHECK(with_stale(both.client, read) == TlsNext::want_input);
    CHECK(with_stale(both.server, read) == TlsNext::want_input);
    const auto write = [&](TlsEngine& engine) { return engine.write(buffer); };
    CHECK(with_stale(both.client, write) == TlsNext::have_output_then_done);
    const auto end = [](TlsEngine& engine) { return engine.shutdown(); };
    CHECK(with_stale(both.client, end) == TlsNext::have_output_then_done);
    deliver(both.client, both.server);
    CHECK(with_stale(both.server, read) == TlsNext::nothing);
    CHECK(count == buffer.size());
    CHECK(with_stale(both.server, read) == TlsNext::nothing);
    CHECK(count == 0);
}

TEST_CASE("a failed step leaves nothing in OpenSSL's queue") {
    Conversation both = established(TlsVersion::v1_3);
    REQUIRE(both.client.write("x") == TlsNext::have_output_then_done);
    both.client.output.back() ^= std::byte{1};
    deliver(both.client, both.server);
    CHECK(both.server.read() == TlsNext::failed);
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("the whole stack of reasons is in the error, in one line") {
    plant_stale_error();
    ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_SIGNATURE, "because of %s", "this");
    const std::string all = detail::take_openssl_errors();
    CHECK(all.find("(stale)") < all.find("bad signature (because of this)"));
    CHECK(all.find('\n') == std::string::npos);
    CHECK(detail::take_openssl_errors() == "OpenSSL gave no reason");
}

TEST_CASE("a changed byte is found, told to the peer by an alert, and named by both") {
    for (const TlsVersion version : {TlsVersion::v1_2, TlsVersion::v1_3}) {
        Conversation both = established(version);
        REQUIRE(both.client.write("honest") == TlsNext::have_output_then_done);
        both.client.output.back() ^= std::byte{1};
        deliver(both.client, both.server);
        CHECK(both.server.read() == TlsNext::failed);
        CHECK(both.server.text.empty());
        CHECK(both.server.engine.failure() == Errc::tls_failed);
        CHECK(both.server.failure().find("sent alert 20 'bad record mac'") != std::string::npos);
        CHECK(both.server.failure().find("decryption failed") != std::string::npos);
        REQUIRE(deliver(both.server, both.client) > 0);
        CHECK(both.client.read() == TlsNext::failed);
        CHECK(both.client.engine.failure() == Errc::tls_alert);
        CHECK(both.client.failure().find("received alert 20 'bad record mac'") !=
              std::string::npos);
        CHECK(!both.client.engine.received_close_notify());
    }
}

TEST_CASE("a failure is final, whatever comes afterwards") {
    Conversation both = established(TlsVersion::v1_3);
    REQUIRE(both.client.write("x") == TlsNext::have_output_then_done);
    both.client.output.back() ^= std::byte{1};
    REQUIRE(both.client.shutdown() == TlsNext::have_output_then_done);
    deliver(both.client, both.server);
    for (int i = 0; i < 3; ++i) CHECK(both.server.read() == TlsNext::failed);
    CHECK(both.server.write("y") == TlsNext::failed);
    CHECK(both.server.shutdown() == TlsNext::failed);
    CHECK(!both.server.engine.received_close_notify());
}

TEST_CASE("rubbish in place of a handshake fails at once") {
    for (const std::string_view rubbish : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff"}) {
        CAPTURE(rubbish);
        Talker server{TlsEngine(server_context())};
        const auto bytes = std::as_bytes(std::span(rubbish));
        server.inbox.assign(bytes.begin(), bytes.end());
        CHECK(server.handshake() == TlsNext::failed);
        CHECK(server.engine.failure() == Errc::tls_failed);
    }
}

TEST_CASE("renegotiation is refused, and the connection goes on") {
    Conversation both = established(TlsVersion::v1_2);
    SSL_clear_options(ssl_of(both.client), SSL_OP_NO_RENEGOTIATION);
    REQUIRE(SSL_renegotiate(ssl_of(both.client)) == 1);
    static_cast<void>(both.client.handshake()); // writes a ClientHello
    REQUIRE(deliver(both.client, both.server) > 0);
    CHECK(both.server.read() == TlsNext::want_input);
    CHECK(both.server.write("still here") == TlsNext::have_output_then_done);
    CHECK(both.server.engine.is_handshake_complete());
}

TEST_CASE("key updates are answered, and a flood of them ends the connection") {
    Conversation both = established(TlsVersion::v1_3);
    const auto update = [&] {
        REQUIRE(SSL_key_update(ssl_of(both.client), SSL_KEY_UPDATE_REQUESTED) == 1);
        REQUIRE(both.client.write("k") == TlsNext::have_output_then_done);
        deliver(both.client, both.server);
    };
    update();
    CHECK(both.server.read() == TlsNext::want_input);
    REQUIRE(both.server.write("under new keys") == TlsNext::have_output_then_done);
    CHECK(deliver(both.server, both.client) > 40); // the text alone makes 36
    CHECK(both.client.read() == TlsNext::want_input);
    CHECK(both.client.text == "under new keys");
    TlsNext next = TlsNext::want_input;
    unsigned survived = 0;
    while (next != TlsNext::failed && survived < 1000) {
        update();
        next = both.server.read();
        if (next != TlsNext::failed) ++survived;
    }
    CHECK(survived == detail::TlsSession::most_key_updates - 1);
    CHECK(both.server.engine.failure() == Errc::limit_reached);
}

TEST_CASE("key updates among enough data are nothing unusual") {
    Conversation both = established(TlsVersion::v1_3);
    const std::string much(TlsEngine::largest_write_bytes, 'x');
    for (unsigned i = 0; i < 2 * detail::TlsSession::most_key_updates; ++i) {
        REQUIRE(SSL_key_update(ssl_of(both.client), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        for (int records = 0; records < 4; ++records)
            REQUIRE(both.client.write(much) == TlsNext::have_output_then_done);
        deliver(both.client, both.server);
        REQUIRE(both.server.read() == TlsNext::want_input);
    }
    CHECK(both.server.text.size() == 8 * detail::TlsSession::most_key_updates * much.size());
}

TEST_CASE("a flood of empty records ends the connection") {
    Talker server{TlsEngine(server_context())};
    constexpr std::array empty = {std::byte{22}, std::byte{3}, std::byte{1}, std::byte{0},
                                  std::byte{0}};
    for (int i = 0; i < 100; ++i)
        server.inbox.insert(server.inbox.end(), empty.begin(), empty.end());
    CHECK(server.handshake() == TlsNext::failed);
    CHECK(server.engine.failure() == Errc::tls_failed);
    CHECK(!server.inbox.empty());
}

TEST_CASE("what TLS still has to say after our end is dropped, and reading goes on") {
    Conversation both = established(TlsVersion::v1_3);
    REQUIRE(both.server.shutdown() == TlsNext::have_output_then_done);
    deliver(both.server, both.client);
    CHECK(both.client.read() == TlsNext::nothing);
    REQUIRE(SSL_key_update(ssl_of(both.client), SSL_KEY_UPDATE_REQUESTED) == 1);
    REQUIRE(both.client.write("late news") == TlsNext::have_output_then_done);
    deliver(both.client, both.server);
    CHECK(both.server.read() == TlsNext::want_input);
    CHECK(both.server.text == "late news");
    CHECK(both.server.output.empty());
    // OpenSSL keeps its answer for the next write, of which there is none; so it is pushed out.
    REQUIRE(SSL_key_update(ssl_of(both.server), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    CHECK(both.server.handshake() == TlsNext::nothing);
    CHECK(both.server.output.empty());
}

} // namespace
} // namespace tidemill
