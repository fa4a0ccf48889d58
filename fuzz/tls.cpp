// The TLS engine, fed arbitrary bytes from either side and cut anywhere.
//
// The first byte says who is under test and when the fuzzer takes over: from the first byte on, or
// after a whole handshake with an engine of ours. The second says how long the pieces are in which
// the bytes come. Of the rest, `spoil` triples of position and value change what the live peer
// sends, and what is left is sent in the peer's place.
#include "check.hpp"
#include <algorithm>
#include <array>
#include <cstdint>
#include <tidemill/tls/self_signed.hpp>
#include <tidemill/tls/tls_engine.hpp>
#include <vector>

using namespace tidemill;

namespace {

constexpr int most_rounds = 64;

struct Contexts {
    Contexts() {
        TlsServerOptions server_options;
        server_options.identities.push_back(or_throw(make_self_signed_identity()));
        server = std::make_unique<TlsServerContext>(
            or_throw(TlsServerContext::make(std::move(server_options))));
        TlsClientOptions client_options;
        client_options.verify = false;
        client_options.trust.system_store = false;
        client = std::make_unique<TlsClientContext>(
            or_throw(TlsClientContext::make(std::move(client_options))));
    }
    std::unique_ptr<TlsServerContext> server;
    std::unique_ptr<TlsClientContext> client;
};

const Contexts& contexts() {
    static const Contexts made;
    return made;
}

/// An engine, and what has come for it.
struct Side {
    explicit Side(TlsEngine made) : engine(std::move(made)) {}

    template <class Step> TlsNext take(Step step) {
        TlsNext next = TlsNext::have_output_then_again;
        for (int i = 0; i < most_rounds && next == TlsNext::have_output_then_again; ++i) {
            engine.set_output(output);
            engine.set_input(inbox);
            next = step(engine);
            const std::size_t unread = engine.unread_input().size();
            fuzz::check(unread <= inbox.size(), "nothing is read that has not come");
            inbox.erase(inbox.begin(), inbox.end() - static_cast<std::ptrdiff_t>(unread));
        }
        return next;
    }
    /// Whatever can be done now.
    void go_on() {
        if (engine.has_failed())
            return fuzz::check(!engine.failure().message().empty(), "a failure says why");
        if (!engine.is_handshake_complete()) take([](TlsEngine& each) { return each.handshake(); });
        for (int i = 0; i < most_rounds && engine.is_handshake_complete(); ++i) {
            std::array<std::byte, 300> text;
            std::size_t count = 0;
            const TlsNext next = take([&](TlsEngine& each) { return each.read(text, count); });
            fuzz::check(count <= text.size(), "no more text than there is room for");
            if (count == 0 || next == TlsNext::failed) break;
        }
    }

    TlsEngine engine;
    TlsEngine::Output output;
    std::vector<std::byte> inbox;
};

void shake_hands(Side& one, Side& other) {
    for (int i = 0; i < most_rounds; ++i) {
        for (Side* each : {&one, &other}) {
            Side& peer = each == &one ? other : one;
            each->go_on();
            peer.inbox.insert(peer.inbox.end(), each->output.begin(), each->output.end());
            each->output.clear();
        }
        if (one.inbox.empty() && other.inbox.empty()) return;
    }
}

void feed(Side& side, std::vector<std::byte> bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min(piece, bytes.size() - at);
        side.inbox.insert(side.inbox.end(), first, first + static_cast<std::ptrdiff_t>(count));
        side.go_on();
    }
    side.engine.end_input();
    side.go_on();
}

std::vector<std::byte> spoiled(TlsEngine::Output bytes, const std::uint8_t*& data,
                               std::size_t& size, std::size_t spoil) {
    for (; spoil > 0 && size >= 3; --spoil, data += 3, size -= 3) {
        const std::size_t position = std::size_t{data[0]} << 8 | data[1];
        if (!bytes.empty()) bytes[position % bytes.size()] ^= std::byte{data[2]};
    }
    return bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const bool tests_server = (data[0] & 1) != 0;
    const bool is_established = (data[0] & 2) != 0;
    const std::size_t spoil = data[0] >> 4;
    const std::size_t piece = data[1] == 0 ? size + 20'000 : data[1];
    data += 2;
    size -= 2;
    Side server{TlsEngine(*contexts().server)};
    Side client{TlsEngine(*contexts().client, "localhost")};
    Side& tested = tests_server ? server : client;
    Side& live = tests_server ? client : server;
    if (is_established) {
        shake_hands(client, server);
        const std::array<std::byte, 40> text{};
        live.take([&](TlsEngine& each) { return each.write(text); });
    } else {
        client.go_on();
        if (!tests_server) {
            server.inbox = client.output;
            server.go_on();
        }
    }
    std::vector<std::byte> bytes = spoiled(live.output, data, size, spoil);
    const auto* const rest = reinterpret_cast<const std::byte*>(data);
    if (spoil == 0 && !is_established) bytes.clear();
    bytes.insert(bytes.end(), rest, rest + size);
    feed(tested, std::move(bytes), piece);
    return 0;
}
