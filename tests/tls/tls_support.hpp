// Certificates of the build, seeded randomness, and two engines that talk through byte queues.
#pragma once

#include <algorithm>
#include <cstddef>
#include <doctest/doctest.h>
#include <span>
#include <string>
#include <string_view>
#include <tidemill/tls/tls_engine.hpp>
#include <vector>

namespace tidemill::support {

/// A file that tests/data/make_certificates has made.
[[nodiscard]] std::string certificate_file(std::string_view name);
[[nodiscard]] std::string read_file(const std::string& path);

/// Replaces OpenSSL's source of randomness by one that says the same after each seed(), for as long
/// as it lives.
class SeededRandomness {
public:
    SeededRandomness();
    ~SeededRandomness();
    SeededRandomness(const SeededRandomness&) = delete;
    SeededRandomness& operator=(const SeededRandomness&) = delete;
    void seed(std::uint64_t value) noexcept;
};

[[nodiscard]] inline TlsIdentity identity(std::string_view name) {
    return {certificate_file(std::string(name) + ".pem"),
            certificate_file(std::string(name) + ".key"), nullptr};
}

/// A server that shows `server.pem`, and a client that believes in `authority.pem` alone.
[[nodiscard]] TlsServerOptions server_options(std::string_view name = "server");
[[nodiscard]] TlsClientOptions client_options();
[[nodiscard]] TlsServerContext server_context(TlsServerOptions options = server_options());
[[nodiscard]] TlsClientContext client_context(TlsClientOptions options = client_options());
/// Allows this version only; a maximum can be had from OpenSSL alone.
void use_version_1_2(TlsEngine& engine);

/// An engine with what it has sent and what it has not read yet.
class Talker {
public:
    explicit Talker(TlsEngine made) : engine(std::move(made)) {}

    TlsNext handshake() {
        return step([](TlsEngine& each) { return each.handshake(); });
    }
    TlsNext write(std::string_view plain) {
        return step([&](TlsEngine& each) { return each.write(std::as_bytes(std::span(plain))); });
    }
    TlsNext shutdown() {
        return step([](TlsEngine& each) { return each.shutdown(); });
    }
    /// Everything that can be decrypted now goes to `text`, `buffer_bytes` at a time.
    TlsNext read(std::size_t buffer_bytes = 64 * 1024);
    /// Takes the step until it does not ask to be taken again.
    template <class Step> TlsNext step(Step take) {
        for (;;) {
            engine.set_output(output);
            engine.set_input(inbox);
            const TlsNext next = take(engine);
            const auto unread = static_cast<std::ptrdiff_t>(engine.unread_input().size());
            inbox.erase(inbox.begin(), inbox.end() - unread);
            if (next != TlsNext::have_output_then_again) return next;
        }
    }
    [[nodiscard]] std::string failure() const { return engine.failure().message(); }

    TlsEngine engine;
    TlsEngine::Output output;     ///< not delivered yet
    std::vector<std::byte> inbox; ///< delivered, not read yet
    std::string text;             ///< plain text that has come
};

/// Moves at most `most_bytes` from one to the other; gives how many.
std::size_t deliver(Talker& from, Talker& to, std::size_t most_bytes = ~std::size_t{0});

struct Conversation {
    Conversation(const TlsServerContext& server_context, const TlsClientContext& client_context,
                 std::string_view name = "localhost")
        : server(TlsEngine(server_context)), client(TlsEngine(client_context, name)) {}

    /// Until both are complete or one has failed, with at most `piece_bytes` at a time.
    bool shake_hands(std::size_t piece_bytes = ~std::size_t{0});
    /// Both ends read whatever is under way, tickets too.
    void settle();

    Talker server;
    Talker client;
};

/// A conversation of default contexts at one version, after its handshake.
[[nodiscard]] Conversation established(TlsVersion version);

} // namespace tidemill::support
