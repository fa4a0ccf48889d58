// Connected pairs of TLS streams, over each transport.
#pragma once

#include "support/stream_pairs.hpp"
#include "tls/tls_support.hpp"
#include <tidemill/tls/tls_stream.hpp>

namespace tidemill::support {

inline Task<Result<void>> shaking_hands(TlsStream& stream, Deadline deadline = {}) {
    co_return co_await stream.handshake(deadline);
}
inline Task<Result<void>> flushing(TlsStream& stream, Deadline deadline = {}) {
    co_return co_await stream.flush(deadline);
}

/// A client (near) and a server (far) over `Transport`, before their handshake.
template <class Transport> struct TlsPair : LoopFixture {
    explicit TlsPair(const TlsStreamOptions& options = {}, LoopOptions loop_options = {})
        : TlsPair(server_context(), client_context(), options, loop_options) {}
    TlsPair(const TlsServerContext& server, const TlsClientContext& client,
            const TlsStreamOptions& options = {}, LoopOptions loop_options = {})
        : LoopFixture(loop_options) {
        auto [near_end, far_end] = Transport::connect(*this);
        near_inner = near_end.get();
        far_inner = far_end.get();
        near = std::make_unique<TlsStream>(std::move(near_end), client, "localhost", options);
        far = std::make_unique<TlsStream>(std::move(far_end), server, options);
    }
    void shake_hands() {
        Pending<Result<void>> server(loop, shaking_hands(*far));
        Pending<Result<void>> client(loop, shaking_hands(*near));
        REQUIRE(turn_until([&] { return client.is_done() && server.is_done(); }));
        REQUIRE(*client);
        REQUIRE(*server);
        settle();
    }

    std::unique_ptr<TlsStream> near;
    std::unique_ptr<TlsStream> far;
    Stream* near_inner;
    Stream* far_inner;
};

/// The same after its handshake.
template <class Transport> struct TlsConnected : TlsPair<Transport> {
    explicit TlsConnected(const TlsStreamOptions& options = {}, LoopOptions loop_options = {})
        : TlsPair<Transport>(options, loop_options) {
        this->shake_hands();
    }
};

/// As a transport of its own, for the suites that every Stream has to pass.
template <class Transport> struct Tls {
    using Handle = std::unique_ptr<TlsStream>;
    static std::pair<Handle, Handle> connect(LoopFixture& fixture) {
        auto [near_end, far_end] = Transport::connect(fixture);
        auto near = std::make_unique<TlsStream>(std::move(near_end), client_context(), "localhost");
        auto far = std::make_unique<TlsStream>(std::move(far_end), server_context());
        Pending<Result<void>> server(fixture.loop, shaking_hands(*far));
        Pending<Result<void>> client(fixture.loop, shaking_hands(*near));
        REQUIRE(fixture.turn_until([&] { return client.is_done() && server.is_done(); }));
        REQUIRE(*client);
        REQUIRE(*server);
        fixture.settle();
        return {std::move(near), std::move(far)};
    }
};

using TlsMemory = Tls<Memory>;
using TlsTcp = Tls<Tcp>;

} // namespace tidemill::support

TYPE_TO_STRING_AS("TlsMemory", tidemill::support::Tls<tidemill::support::Memory>);
TYPE_TO_STRING_AS("TlsTcp", tidemill::support::Tls<tidemill::support::Tcp>);
