// Whom a side believes: authorities, names, dates, pins, client certificates.
#include "tls/tls_support.hpp"

namespace tidemill {
namespace {

using namespace support;

/// A handshake that must fail at the client, and what the client says.
std::string refusal(const TlsServerContext& server, TlsClientOptions options,
                    std::string_view name = "localhost") {
    Conversation both(server, client_context(std::move(options)), name);
    REQUIRE(!both.shake_hands());
    CHECK(both.client.engine.failure() == Errc::not_trusted);
    // The server hears of it by an alert.
    static_cast<void>(both.server.handshake());
    CHECK(both.server.engine.failure() == Errc::tls_alert);
    return both.client.failure();
}

bool is_accepted(const TlsServerContext& server, const TlsClientContext& client,
                 std::string_view name = "localhost") {
    return Conversation(server, client, name).shake_hands();
}

bool contains(const std::string& text, std::string_view part) {
    CAPTURE(text);
    CAPTURE(part);
    const bool is_in = text.find(part) != std::string::npos;
    CHECK(is_in);
    return is_in;
}

TEST_CASE("a certificate for another name is refused, and the error tells both") {
    const std::string error = refusal(server_context(), client_options(), "elsewhere.test");
    contains(error, "CN = localhost");
    contains(error, "elsewhere.test");
    contains(error, "sent alert");
}

TEST_CASE("each name and address in the certificate is accepted") {
    for (const char* name :
         {"localhost", "first.test", "FIRST.test", "first.test.", "127.0.0.1", "::1"}) {
        CAPTURE(name);
        CHECK(is_accepted(server_context(), client_context(), name));
    }
    contains(refusal(server_context(), client_options(), "127.0.0.2"), "127.0.0.2");
}

TEST_CASE("a wildcard stands for one label and no part of one") {
    const TlsServerContext server = server_context(server_options("second"));
    CHECK(is_accepted(server, client_context(), "any.wild.test"));
    contains(refusal(server, client_options(), "too.deep.wild.test"), "mismatch");
    contains(refusal(server, client_options(), "wild.test"), "mismatch");
}

TEST_CASE("without a name to look for there is no connection, unless nobody looks") {
    Conversation both(server_context(), client_context(), "");
    CHECK(both.client.handshake() == TlsNext::failed);
    CHECK(both.client.engine.failure() == Errc::tls_setup);
    CHECK(both.client.output.empty());
    TlsClientOptions trusting = client_options();
    trusting.verify = false;
    CHECK(is_accepted(server_context(), client_context(std::move(trusting)), ""));
}

TEST_CASE("a name with a zero byte in it is no name") {
    Conversation both(server_context(), client_context(), std::string_view("localhost\0.evil", 15));
    CHECK(both.client.handshake() == TlsNext::failed);
    CHECK(both.client.engine.failure() == Errc::tls_setup);
}

TEST_CASE("an unknown authority is refused") {
    TlsClientOptions options = client_options();
    options.trust.authorities = {certificate_file("other_authority.pem")};
    contains(refusal(server_context(), options), "issuer certificate");
    options.trust.authorities.clear();
    contains(refusal(server_context(), options), "issuer certificate");
}

TEST_CASE("the system's authorities do not vouch for a stranger") {
    TlsClientOptions options;
    REQUIRE(options.trust.system_store);
    contains(refusal(server_context(), options), "issuer certificate");
}

TEST_CASE("a certificate that has expired, or is not valid yet, is refused") {
    constexpr std::int64_t year_2100_s = 4'102'444'800;
    constexpr std::int64_t year_2000_s = 946'684'800;
    TlsClientOptions options = client_options();
    options.trust.verification_time_s = year_2100_s;
    contains(refusal(server_context(), options), "certificate has expired");
    options.trust.verification_time_s = year_2000_s;
    contains(refusal(server_context(), options), "not yet valid");
}

TEST_CASE("a server's chain leads to the authority, and the client sees it") {
    const TlsServerContext server = server_context(server_options("chained"));
    Conversation both(server, client_context());
    REQUIRE(both.shake_hands());
    const auto certificates = both.client.engine.peer_info().certificates;
    REQUIRE(certificates.size() == 2);
    CHECK(certificates[0].subject == "CN = localhost");
    CHECK(certificates[1].subject == "CN = Test Intermediate");
}

TEST_CASE("a pinned certificate is trusted as it is, and no other") {
    Conversation first(server_context(), client_context());
    REQUIRE(first.shake_hands());
    std::string pin = first.client.engine.peer_info().certificates.front().sha256;

    TlsClientOptions options;
    options.trust.system_store = false;
    options.pinned_certificates = {std::string(64, '0'), pin};
    CHECK(is_accepted(server_context(), client_context(options), "any.name"));
    contains(refusal(server_context(server_options("second")), options, "second.test"),
             "none of the pinned");
    // Verification cannot be switched off beside a pin.
    options.verify = false;
    contains(refusal(server_context(server_options("second")), options, "second.test"),
             "none of the pinned");
}

TEST_CASE("a pin may have colons and capitals, and nothing else") {
    TlsClientOptions options = client_options();
    std::string pin = "AA";
    for (int i = 1; i < 32; ++i) pin += ":bB";
    options.pinned_certificates = {pin};
    CHECK(TlsClientContext::make(options));
    for (const std::string& wrong :
         {pin + ":cc", pin.substr(2), std::string("x") + pin, std::string()}) {
        options.pinned_certificates = {wrong};
        const auto made = TlsClientContext::make(options);
        REQUIRE(!made);
        CHECK(made.error() == Errc::tls_setup);
    }
}

TEST_CASE("whoever answers is trusted if the caller says so") {
    TlsClientOptions options;
    options.verify = false;
    CHECK(is_accepted(server_context(), client_context(options), "any.name"));
}

// Client certificates

TlsServerOptions asking(ClientCertificate mode) {
    TlsServerOptions options = server_options();
    options.client_certificate = mode;
    options.client_trust.authorities = {certificate_file("authority.pem")};
    return options;
}

TlsClientOptions showing(std::string_view name) {
    TlsClientOptions options = client_options();
    options.identity = identity(name);
    return options;
}

TEST_CASE("a client certificate is seen by the server") {
    for (const auto mode : {ClientCertificate::optional, ClientCertificate::required}) {
        Conversation both(server_context(asking(mode)), client_context(showing("client")));
        REQUIRE(both.shake_hands());
        const auto certificates = both.server.engine.peer_info().certificates;
        REQUIRE(certificates.size() == 1);
        CHECK(certificates[0].subject == "CN = Test Client");
    }
}

TEST_CASE("a server that does not ask sees no certificate") {
    Conversation both(server_context(), client_context(showing("client")));
    REQUIRE(both.shake_hands());
    CHECK(both.server.engine.peer_info().certificates.empty());
}

TEST_CASE("a missing client certificate matters only where it is required") {
    CHECK(is_accepted(server_context(asking(ClientCertificate::optional)), client_context()));
    for (const bool is_old : {false, true}) {
        Conversation both(server_context(asking(ClientCertificate::required)), client_context());
        if (is_old) use_version_1_2(both.client.engine);
        CHECK(!both.shake_hands());
        CHECK(both.server.engine.failure() == Errc::not_trusted);
        contains(both.server.failure(), "peer did not return a certificate");
        // A client of TLS 1.3 is done before the server has looked, so it hears when it reads.
        TlsNext next = both.client.handshake();
        if (next != TlsNext::failed) next = both.client.read();
        CHECK(next == TlsNext::failed);
        CHECK(both.client.engine.failure() == Errc::tls_alert);
        if (!is_old) contains(both.client.failure(), "alert 116 'certificate required'");
    }
}

TEST_CASE("a stranger's client certificate is refused, even where none is required") {
    for (const auto mode : {ClientCertificate::optional, ClientCertificate::required}) {
        Conversation both(server_context(asking(mode)), client_context(showing("stranger")));
        CHECK(!both.shake_hands());
        CHECK(both.server.engine.failure() == Errc::not_trusted);
        contains(both.server.failure(), "CN = Stranger");
    }
}

TEST_CASE("a server's certificate is no client's") {
    Conversation both(server_context(asking(ClientCertificate::required)),
                      client_context(showing("server")));
    CHECK(!both.shake_hands());
    CHECK(both.server.engine.failure() == Errc::not_trusted);
}

} // namespace
} // namespace tidemill
