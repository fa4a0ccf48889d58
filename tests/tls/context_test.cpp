// Contexts: what they refuse to be made of, what they agree on, resumption and reload.
#include "support/os.hpp"
#include "tls/tls_support.hpp"
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace tidemill {
namespace {

using namespace support;

Error refusal(TlsServerOptions options) {
    const auto made = TlsServerContext::make(std::move(options));
    REQUIRE(!made);
    return made.error();
}

Error refusal_of(PemSource certificate, PemSource key) {
    TlsServerOptions options;
    options.identities.push_back({std::move(certificate), std::move(key), nullptr});
    return refusal(std::move(options));
}

bool contains(const Error& error, std::string_view part) {
    const std::string message = error.message();
    CAPTURE(message);
    CAPTURE(part);
    const bool is_in = message.find(part) != std::string::npos;
    CHECK(is_in);
    CHECK(message.find('\n') == std::string::npos);
    return is_in;
}

struct TemporaryFile {
    explicit TemporaryFile(const char* name) : path(certificate_file(name)) { remove(); }
    ~TemporaryFile() { remove(); }
    void remove() { std::filesystem::remove(path); }
    void copy_of(std::string_view source) {
        remove(); // copy_file() of GCC 12 overwrites nothing on Windows
        std::filesystem::copy_file(certificate_file(source), path);
    }
    std::string path;
};

// What cannot be used

TEST_CASE("a file that is not there is named") {
    const Error error = refusal_of("/nowhere/at/all.pem", certificate_file("server.key"));
    CHECK(error == std::errc::no_such_file_or_directory);
    contains(error, "/nowhere/at/all.pem");
}

TEST_CASE("a file without a certificate or a key is named") {
    Error error = refusal_of(certificate_file("server.key"), certificate_file("server.key"));
    CHECK(error == Errc::tls_setup);
    contains(error, "server.key: no certificate in PEM form");
    error = refusal_of(certificate_file("server.pem"), certificate_file("server.pem"));
    contains(error, "server.pem: no private key in PEM form");
}

TEST_CASE("a damaged certificate behind a good one is found") {
    std::string pem = read_file(certificate_file("chained.pem"));
    pem.erase(pem.size() - 100, 20);
    const Error error =
        refusal_of(PemSource::memory(pem, "spoilt"), certificate_file("chained.key"));
    contains(error, "spoilt: a certificate is damaged");
}

TEST_CASE("a key of another certificate is refused, and both files are named") {
    const Error error = refusal_of(certificate_file("server.pem"), certificate_file("second.key"));
    CHECK(error == Errc::tls_setup);
    contains(error, "second.key: the key does not belong to the certificate in ");
    contains(error, "server.pem");
}

TEST_CASE("an own certificate out of its dates is refused, and the date is told") {
    contains(refusal(server_options("expired")),
             "expired.pem: the certificate of CN = localhost expired on Jan  1 00:00:00 2021");
    contains(refusal(server_options("future")), "is not valid before Jan  1 00:00:00 2089");
}

TEST_CASE("an encrypted key wants its password") {
    TlsIdentity locked = identity("server");
    locked.key = certificate_file("encrypted.key");
    TlsServerOptions options;
    options.identities = {locked};
    contains(refusal(options), "encrypted.key: the key is encrypted and no password was given");

    options.identities[0].password = key_password([](const std::string&) { return "wrong"; });
    contains(refusal(options), "the password does not open it");
    options.identities[0].password =
        key_password([](const std::string&) -> std::string { throw std::bad_alloc(); });
    contains(refusal(options), "the password does not open it");

    std::string asked_for;
    options.identities[0].password = key_password([&](const std::string& name) {
        asked_for = name;
        return std::string("secret");
    });
    CHECK(TlsServerContext::make(options));
    CHECK(asked_for == certificate_file("encrypted.key"));
}

TEST_CASE("a server without a certificate, or with clients that nobody vouches for, is refused") {
    contains(refusal(TlsServerOptions()), "a server needs a certificate and a key");
    TlsServerOptions options = server_options();
    options.client_certificate = ClientCertificate::required;
    contains(refusal(options), "no authority is named");
    options.client_trust.authorities = {certificate_file("server.key")};
    contains(refusal(options), "server.key");
}

TEST_CASE("certificates and keys may come from memory") {
    TlsServerOptions options;
    options.identities.push_back({PemSource::memory(read_file(certificate_file("server.pem"))),
                                  PemSource::memory(read_file(certificate_file("server.key"))),
                                  nullptr});
    TlsClientOptions trusting = client_options();
    trusting.trust.authorities = {PemSource::memory(read_file(certificate_file("authority.pem")))};
    CHECK(Conversation(server_context(options), client_context(trusting)).shake_hands());
}

// What is agreed on

struct AlpnCase {
    const char* name;
    std::vector<std::string> server;
    std::vector<std::string> client;
    const char* agreed; ///< null: the handshake fails
};

TEST_CASE("the application protocol is the server's first that the client offers") {
    const std::array cases = {
        AlpnCase{"server prefers", {"h2", "http/1.1"}, {"http/1.1", "h2"}, "h2"},
        AlpnCase{"one in common", {"a", "b"}, {"c", "b"}, "b"},
        AlpnCase{"client offers none", {"a"}, {}, ""},
        AlpnCase{"server knows none", {}, {"a"}, ""},
        AlpnCase{"nothing in common", {"a"}, {"b"}, nullptr},
    };
    for (const AlpnCase& each : cases) {
        CAPTURE(each.name);
        TlsServerOptions server = server_options();
        server.alpn = each.server;
        TlsClientOptions client = client_options();
        client.alpn = each.client;
        Conversation both(server_context(server), client_context(client));
        CHECK(both.shake_hands() == (each.agreed != nullptr));
        if (each.agreed == nullptr) {
            contains(both.server.engine.failure(), "no application protocol");
            continue;
        }
        CHECK(both.client.engine.peer_info().alpn == each.agreed);
        CHECK(both.server.engine.peer_info().alpn == each.agreed);
    }
}

TEST_CASE("ALPN names that the wire cannot carry are refused") {
    TlsServerOptions options = server_options();
    for (const std::string& name : {std::string(), std::string(256, 'x')}) {
        options.alpn = {name};
        CHECK(refusal(options) == Errc::tls_setup);
    }
}

TEST_CASE("the server shows the certificate of the name that is asked for, else the first") {
    TlsServerOptions options = server_options();
    options.identities.push_back(identity("second"));
    const TlsServerContext server = server_context(options);
    TlsClientOptions anyone = client_options();
    anyone.verify = false;
    const TlsClientContext client = client_context(anyone);
    const auto shown = [&](std::string_view name) {
        Conversation both(server, client, name);
        REQUIRE(both.shake_hands());
        return both.client.engine.peer_info().certificates.front().subject;
    };
    CHECK(shown("second.test") == "CN = second.test");
    CHECK(shown("any.wild.test") == "CN = second.test");
    CHECK(shown("first.test") == "CN = localhost");
    CHECK(shown("unknown.test") == "CN = localhost");
    CHECK(shown("") == "CN = localhost");
}

TEST_CASE("of two kinds of keys for one name both are on offer, of one kind the first") {
    TlsServerOptions options = server_options("rsa");
    options.identities.push_back(identity("server"));
    options.identities.push_back(identity("chained"));
    Conversation both(server_context(options), client_context());
    REQUIRE(both.shake_hands());
    const std::string pem = both.client.engine.peer_info().certificates.front().pem;
    const bool is_offered = pem == read_file(certificate_file("server.pem")) ||
                            pem == read_file(certificate_file("rsa.pem"));
    CHECK(is_offered);
}

TEST_CASE("a minimum version keeps older peers out") {
    TlsServerOptions options = server_options();
    options.minimum_version = TlsVersion::v1_3;
    Conversation both(server_context(options), client_context());
    use_version_1_2(both.client.engine);
    CHECK(!both.shake_hands());
    contains(both.server.engine.failure(), "unsupported protocol");
}

// What changes

TEST_CASE("a reload shows the new certificate to new connections, and old ones go on") {
    TemporaryFile certificate("reloaded.pem");
    TemporaryFile key("reloaded.key");
    certificate.copy_of("server.pem");
    key.copy_of("server.key");
    const TlsServerContext server =
        or_throw(TlsServerContext::from_files(certificate.path, key.path));
    Conversation old(server, client_context());
    REQUIRE(old.shake_hands());
    Conversation in_handshake(server, client_context());
    static_cast<void>(in_handshake.client.handshake());

    certificate.copy_of("second.pem");
    const Result<void> half = server.reload();
    REQUIRE(!half);
    contains(half.error(), "the key does not belong");
    CHECK(Conversation(server, client_context()).shake_hands());

    key.copy_of("second.key");
    REQUIRE(server.reload());
    CHECK(Conversation(server, client_context(), "second.test").shake_hands());
    CHECK(!Conversation(server, client_context(), "localhost").shake_hands());
    REQUIRE(old.server.write("still here") == TlsNext::have_output_then_done);
    old.settle();
    CHECK(old.client.text == "still here");
}

TEST_CASE("threads share contexts that are reloaded meanwhile") {
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    std::atomic<int> agreed = 0;
    const auto talk = [&] {
        for (int i = 0; i < 20; ++i)
            if (Conversation(server, client).shake_hands()) ++agreed;
    };
    std::thread first(talk);
    std::thread second(talk);
    for (int i = 0; i < 20; ++i) {
        CHECK(server.reload());
        CHECK(client.reload());
        server.rotate_ticket_keys();
    }
    first.join();
    second.join();
    CHECK(agreed == 40);
}

TEST_CASE("secrets are logged only on request, for the owner's eyes") {
    TemporaryFile log("secrets.log");
    CHECK(Conversation(server_context(), client_context()).shake_hands());
    CHECK(!std::filesystem::exists(log.path));
    TlsServerOptions options = server_options();
    options.key_log_file = log.path;
    CHECK(Conversation(server_context(options), client_context()).shake_hands());
    CHECK(read_file(log.path).find("CLIENT_TRAFFIC_SECRET_0 ") != std::string::npos);
    const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
    if (!support::os_facts().is_windows) // there the folder says who may read
        CHECK((std::filesystem::status(log.path).permissions() & others) ==
              std::filesystem::perms::none);
    options.key_log_file = "/nowhere/at/all.log";
    CHECK(refusal(options) == std::errc::no_such_file_or_directory);
}

} // namespace
} // namespace tidemill
