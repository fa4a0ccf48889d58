// The promise that TLS is for: a stream that was cut is never taken for a whole one.
//
// A conversation is held again and again over a pipe that breaks after n bytes, for every n. With
// seeded randomness each of them is the same up to its cut, so the place of every close_notify is
// known from the first, uncut one.
#include "tls/tls_support.hpp"

namespace tidemill {
namespace {

using namespace support;

constexpr std::size_t uncut = ~std::size_t{0};

/// Carries bytes both ways until it breaks.
class Pipe {
public:
    explicit Pipe(std::size_t most_bytes) : left_(most_bytes) {}
    std::size_t carry(Talker& from, Talker& to) {
        const std::size_t count = deliver(from, to, left_);
        left_ -= count;
        carried_ += count;
        return count;
    }
    [[nodiscard]] std::size_t carried() const noexcept { return carried_; }

private:
    std::size_t left_;
    std::size_t carried_ = 0;
};

struct Outcome {
    std::size_t client_end = 0; ///< bytes carried when the client's close_notify was through
    std::size_t server_end = 0;
    std::size_t all = 0;
};

class CutConversation {
public:
    CutConversation(const TlsServerContext& server, const TlsClientContext& client,
                    TlsVersion version, std::size_t cut_after)
        : both_(server, client), pipe_(cut_after) {
        if (version == TlsVersion::v1_2) use_version_1_2(both_.client.engine);
    }

    Outcome hold() {
        Outcome outcome;
        while (is_moving_in_handshake()) {
        }
        if (both_.server.engine.is_handshake_complete()) say(both_.server, "greeting");
        if (both_.client.engine.is_handshake_complete()) say(both_.client, "question");
        exchange();
        end(both_.client);
        exchange();
        outcome.client_end = pipe_.carried();
        end(both_.server);
        exchange();
        outcome.server_end = pipe_.carried();
        both_.client.engine.end_input();
        both_.server.engine.end_input();
        outcome.all = pipe_.carried();
        return outcome;
    }
    /// How it looks from here: true for an orderly end, and else it must be truncation.
    bool ended_in_order(Talker& talker) {
        const bool is_complete = talker.engine.is_handshake_complete();
        const TlsNext next = is_complete ? talker.read() : talker.handshake();
        if (next == TlsNext::nothing) return talker.engine.received_close_notify();
        CHECK(next == TlsNext::failed);
        CHECK(talker.engine.failure() == Errc::truncated);
        return false;
    }
    [[nodiscard]] Talker& server() noexcept { return both_.server; }
    [[nodiscard]] Talker& client() noexcept { return both_.client; }

private:
    bool is_moving_in_handshake() {
        for (Talker* each : {&both_.client, &both_.server})
            if (!each->engine.is_handshake_complete())
                REQUIRE(each->handshake() != TlsNext::failed);
        const std::size_t to_server = pipe_.carry(both_.client, both_.server);
        return to_server + pipe_.carry(both_.server, both_.client) > 0;
    }
    static void say(Talker& talker, std::string_view words) {
        REQUIRE(talker.write(words) != TlsNext::failed);
    }
    static void end(Talker& talker) {
        if (talker.engine.is_handshake_complete()) REQUIRE(talker.shutdown() != TlsNext::failed);
    }
    void exchange() {
        while (pipe_.carry(both_.client, both_.server) + pipe_.carry(both_.server, both_.client) >
               0) {
            for (Talker* each : {&both_.client, &both_.server})
                if (each->engine.is_handshake_complete()) REQUIRE(each->read() != TlsNext::failed);
        }
    }

    Conversation both_;
    Pipe pipe_;
};

void cut_everywhere(TlsVersion version) {
    SeededRandomness random;
    // No tickets in this one: they hold the time, which is not seeded.
    TlsServerOptions options = server_options();
    options.session_tickets = false;
    const TlsServerContext server = server_context(std::move(options));
    const TlsClientContext client = client_context();
    const auto hold = [&](std::size_t cut_after) {
        random.seed(7);
        auto conversation = std::make_unique<CutConversation>(server, client, version, cut_after);
        return std::pair(conversation->hold(), std::move(conversation));
    };
    const Outcome whole = hold(uncut).first;
    REQUIRE(whole.all > 1000);
    REQUIRE(whole.client_end < whole.server_end);
    for (std::size_t cut = 0; cut <= whole.all; ++cut) {
        CAPTURE(cut);
        const auto [outcome, conversation] = hold(cut);
        REQUIRE(outcome.all == cut);
        CHECK(conversation->ended_in_order(conversation->server()) == (cut >= whole.client_end));
        CHECK(conversation->ended_in_order(conversation->client()) == (cut >= whole.server_end));
    }
}

TEST_CASE("TLS 1.2 cut after any number of bytes is never taken for whole") {
    cut_everywhere(TlsVersion::v1_2);
}

TEST_CASE("TLS 1.3 cut after any number of bytes is never taken for whole") {
    cut_everywhere(TlsVersion::v1_3);
}

// Destroying an engine in each of these states is part of the same walk; here the other side goes
// on, and notices nothing but that it hears no more.
TEST_CASE("an engine may be destroyed after any number of bytes") {
    SeededRandomness random;
    const TlsServerContext server = server_context();
    const TlsClientContext client = client_context();
    std::size_t steps = 1;
    for (std::size_t after = 0; after < steps; ++after) {
        random.seed(7);
        Talker survivor{TlsEngine(client, "localhost")};
        auto victim = std::make_unique<Talker>(TlsEngine(server));
        for (std::size_t i = 0; i < after; ++i) {
            static_cast<void>(survivor.handshake());
            static_cast<void>(victim->handshake());
            static_cast<void>(deliver(survivor, *victim, 64));
            static_cast<void>(deliver(*victim, survivor, 64));
        }
        const bool was_complete = victim->engine.is_handshake_complete();
        victim.reset();
        survivor.engine.end_input();
        TlsNext next = survivor.handshake();
        if (next != TlsNext::failed) next = survivor.read();
        CHECK(next == TlsNext::failed);
        CHECK(survivor.engine.failure() == Errc::truncated);
        if (!was_complete) ++steps;
    }
    CHECK(steps > 10);
}

} // namespace
} // namespace tidemill
