// Sessions: resumed by tickets, at the servers that sealed them, for as long as their key lives.
#include "tls/tls_session.hpp"
#include "tls/tls_support.hpp"

namespace tidemill {
namespace {

using namespace support;

struct Options {
    TlsVersion version = TlsVersion::v1_3;
    std::string_view name = "localhost";
};

/// Whether a connection of these two resumes a session; it leaves one for the next.
bool resumes(const TlsServerContext& server, const TlsClientContext& client, Options how = {}) {
    Conversation both(server, client, how.name);
    if (how.version == TlsVersion::v1_2) use_version_1_2(both.client.engine);
    REQUIRE(both.shake_hands());
    both.settle();
    const TlsPeerInfo info = both.client.engine.peer_info();
    CHECK(both.server.engine.peer_info().resumed == info.resumed);
    CHECK(info.certificates.size() == 1); // of the first connection, if this one resumes it
    return info.resumed;
}

TEST_CASE("the second connection resumes the session of the first") {
    for (const TlsVersion version : {TlsVersion::v1_2, TlsVersion::v1_3}) {
        const TlsServerContext server = server_context();
        const TlsClientContext client = client_context();
        CHECK(!resumes(server, client, {version}));
        for (int i = 0; i < 3; ++i) {
            CAPTURE(i);
            CAPTURE(static_cast<int>(version));
            CHECK(resumes(server, client, {version}));
        }
    }
}

TEST_CASE("a session is for the server that it was made with") {
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    CHECK(!resumes(server, client));
    CHECK(!resumes(server, client, {TlsVersion::v1_3, "first.test"}));
    CHECK(resumes(server, client));
    CHECK(!resumes(server_context(), client)); // the same certificate, but another ticket key
}

TEST_CASE("no tickets and no memory for them both mean no resumption") {
    TlsServerOptions no_tickets = server_options();
    no_tickets.session_tickets = false;
    const TlsServerContext server = server_context(no_tickets);
    const TlsClientContext client = client_context();
    for (int i = 0; i < 2; ++i) CHECK(!resumes(server, client));
    TlsClientOptions forgetful = client_options();
    forgetful.resume_sessions = false;
    const TlsClientContext other_client = client_context(forgetful);
    const TlsServerContext other_server = server_context();
    for (int i = 0; i < 2; ++i) CHECK(!resumes(other_server, other_client));
}

TEST_CASE("a ticket outlives one change of the key, and not two") {
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    CHECK(!resumes(server, client));
    server.rotate_ticket_keys();
    CHECK(resumes(server, client));
    server.rotate_ticket_keys();
    CHECK(resumes(server, client)); // by a ticket that was renewed under the new key
    server.rotate_ticket_keys();
    server.rotate_ticket_keys();
    CHECK(!resumes(server, client));
}

TEST_CASE("ticket keys of no lifetime change with every ticket") {
    TlsServerOptions options = server_options();
    options.ticket_key_lifetime = Duration::zero();
    const TlsServerContext server = server_context(options);
    const TlsClientContext client = client_context();
    CHECK(!resumes(server, client));
    CHECK(!resumes(server, client));
}

TEST_CASE("a reload keeps tickets valid") {
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    CHECK(!resumes(server, client));
    REQUIRE(server.reload());
    CHECK(resumes(server, client));
    REQUIRE(client.reload());
    CHECK(!resumes(server, client));
}

TEST_CASE("a client remembers no more sessions than it may") {
    TlsClientOptions options = client_options();
    options.remembered_sessions = 2; // one connection leaves two tickets
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context(options);
    CHECK(!resumes(server, client));
    CHECK(!resumes(server, client, {TlsVersion::v1_3, "first.test"}));
    CHECK(!resumes(server, client));
    options.remembered_sessions = 0;
    const TlsClientContext forgetful = client_context(options);
    for (int i = 0; i < 2; ++i) CHECK(!resumes(server, forgetful));
}

TEST_CASE("a client that was vouched for stays known in a resumed session") {
    TlsServerOptions options = server_options();
    options.client_certificate = ClientCertificate::required;
    options.client_trust.authorities = {certificate_file("authority.pem")};
    TlsClientOptions showing = client_options();
    showing.identity = identity("client");
    const TlsServerContext server = server_context(options);
    const TlsClientContext client = client_context(showing);
    for (const bool is_resumed : {false, true}) {
        Conversation both(server, client);
        REQUIRE(both.shake_hands());
        both.settle();
        const TlsPeerInfo info = both.server.engine.peer_info();
        CHECK(info.resumed == is_resumed);
        REQUIRE(info.certificates.size() == 1);
        CHECK(info.certificates[0].subject == "CN = Test Client");
    }
}

} // namespace
} // namespace tidemill
