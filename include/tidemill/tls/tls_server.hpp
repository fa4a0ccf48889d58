// A Server whose connections speak TLS.
#pragma once

#include <optional>
#include <string_view>
#include <tidemill/net/server.hpp>
#include <tidemill/tls/tls_stream.hpp>

namespace tidemill {

struct TlsServeOptions {
    TlsStreamOptions stream;
    /// Told, in one line, of each session that was not shaken hands for or did not end in order:
    /// its EndReport. Null: nobody is. Must not throw.
    void (*log)(std::string_view line) noexcept = nullptr;
};

namespace detail {

/// Whom `log` is told about; asked while the connection is open, and only if somebody listens.
[[nodiscard]] std::optional<Endpoint> session_peer(void (*log)(std::string_view line) noexcept,
                                                   const TcpStream& peer);
void report_session(void (*log)(std::string_view line) noexcept,
                    const std::optional<Endpoint>& peer, const TlsStream& stream);

/// The handler of a connection that puts TLS around another handler.
template <class Handler> class TlsHandler {
public:
    TlsHandler(TlsServerContext context, Handler&& handler, const TlsServeOptions& options)
        : context_(std::move(context)), handler_(std::move(handler)), options_(options) {}

    // One frame a connection: the stream lies in it. The server keeps this object.
    Task<void> operator()(TcpStream& peer) {
        const std::optional<Endpoint> name = session_peer(options_.log, peer);
        TlsStream stream(peer, context_, options_.stream);
        const auto shaken = co_await stream.handshake();
        if (!shaken) co_return report_session(options_.log, name, stream);
        co_await handler_(stream);
        const auto closed = co_await stream.close_gracefully();
        if (!closed) report_session(options_.log, name, stream);
    }

private:
    TlsServerContext context_;
    Handler handler_;
    TlsServeOptions options_;
};

} // namespace detail

/// Server::serve() behind TLS: for each connection that has shaken hands, `handler(stream)` runs as
/// a task; it takes a TlsStream& or Stream& and gives a Task<void>. When it returns, the stream is
/// closed gracefully; when it throws, aborted. Connections to come see what context.reload() makes.
template <class Handler>
requires std::is_invocable_r_v<Task<void>, Handler&, TlsStream&> void
serve_tls(Server& server, TlsServerContext context, Handler handler,
          const TlsServeOptions& options = {}) {
    server.serve(detail::TlsHandler<Handler>(std::move(context), std::move(handler), options));
}

} // namespace tidemill
