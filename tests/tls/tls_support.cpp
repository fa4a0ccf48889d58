#define OPENSSL_SUPPRESS_DEPRECATED // a random method is the way that is shortest, if not newest
#include "tls/tls_support.hpp"
#include "tls/tls_session.hpp"
#include <cstring>
#include <fstream>
#include <iterator>
#include <openssl/rand.h>

namespace tidemill::support {

std::string certificate_file(std::string_view name) {
    return std::string(TIDEMILL_TEST_CERTIFICATES "/") + std::string(name);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

namespace {

std::uint64_t random_state = 1;

int seeded_bytes(unsigned char* into, int count) {
    for (int i = 0; i < count; ++i) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        into[i] = static_cast<unsigned char>(random_state >> 56);
    }
    return 1;
}
int always_seeded() { return 1; }
int take_seed(const void*, int) { return 1; }
int add_entropy(const void*, int, double) { return 1; }

const RAND_METHOD seeded = {&take_seed,   &seeded_bytes, nullptr,
                            &add_entropy, &seeded_bytes, &always_seeded};

} // namespace

SeededRandomness::SeededRandomness() {
    seed(1);
    REQUIRE(RAND_set_rand_method(&seeded) == 1);
}
SeededRandomness::~SeededRandomness() { RAND_set_rand_method(RAND_OpenSSL()); }
void SeededRandomness::seed(std::uint64_t value) noexcept { random_state = value; }

TlsServerOptions server_options(std::string_view name) {
    TlsServerOptions options;
    options.identities.push_back(identity(name));
    return options;
}

TlsClientOptions client_options() {
    TlsClientOptions options;
    options.trust.system_store = false;
    options.trust.authorities.emplace_back(certificate_file("authority.pem"));
    return options;
}

TlsServerContext server_context(TlsServerOptions options) {
    return or_throw(TlsServerContext::make(std::move(options)));
}

TlsClientContext client_context(TlsClientOptions options) {
    return or_throw(TlsClientContext::make(std::move(options)));
}

void use_version_1_2(TlsEngine& engine) {
    REQUIRE(SSL_set_max_proto_version(engine.session().ssl.get(), TLS1_2_VERSION) == 1);
}

TlsNext Talker::read(std::size_t buffer_bytes) {
    std::vector<std::byte> buffer(buffer_bytes);
    for (;;) {
        std::size_t count = 0;
        const TlsNext next = step([&](TlsEngine& each) { return each.read(buffer, count); });
        text.append(reinterpret_cast<const char*>(buffer.data()), count);
        if (count == 0) return next;
    }
}

std::size_t deliver(Talker& from, Talker& to, std::size_t most_bytes) {
    const std::size_t count = std::min(most_bytes, from.output.size());
    const auto end = from.output.begin() + static_cast<std::ptrdiff_t>(count);
    to.inbox.insert(to.inbox.end(), from.output.begin(), end);
    from.output.erase(from.output.begin(), end);
    return count;
}

bool Conversation::shake_hands(std::size_t piece_bytes) {
    for (;;) {
        const TlsNext ours = client.handshake();
        std::size_t moved = deliver(client, server, piece_bytes);
        const TlsNext theirs = server.handshake();
        moved += deliver(server, client, piece_bytes);
        if (ours == TlsNext::failed || theirs == TlsNext::failed) return false;
        const bool is_complete =
            client.engine.is_handshake_complete() && server.engine.is_handshake_complete();
        if (is_complete && client.output.empty()) return true;
        REQUIRE(moved > 0);
    }
}

void Conversation::settle() {
    do {
        static_cast<void>(client.read());
        static_cast<void>(server.read());
    } while (deliver(client, server) + deliver(server, client) > 0);
}

Conversation established(TlsVersion version) {
    Conversation both(server_context(), client_context());
    if (version == TlsVersion::v1_2) use_version_1_2(both.client.engine);
    REQUIRE(both.shake_hands());
    both.settle();
    return both;
}

} // namespace tidemill::support
