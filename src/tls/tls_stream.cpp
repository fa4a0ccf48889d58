// TlsStream: the face of a TlsConnection.

#include "tls/tls_connection.hpp"
#include <tidemill/net/tcp_stream.hpp>
#include <tidemill/tls/tls_stream.hpp>

namespace tidemill {

using detail::TlsConnection;

TlsStream::TlsStream(Stream& inner, const TlsServerContext& context,
                     const TlsStreamOptions& options)
    : connection_(std::make_unique<TlsConnection>(inner, TlsEngine(context), options)) {
    connection_->stand_behind(*this);
}

TlsStream::TlsStream(std::unique_ptr<Stream> inner, const TlsServerContext& context,
                     const TlsStreamOptions& options)
    : connection_(std::make_unique<TlsConnection>(std::move(inner), TlsEngine(context), options)) {
    connection_->stand_behind(*this);
}

TlsStream::TlsStream(Stream& inner, const TlsClientContext& context, std::string_view server_name,
                     const TlsStreamOptions& options)
    : connection_(
          std::make_unique<TlsConnection>(inner, TlsEngine(context, server_name), options)) {
    connection_->stand_behind(*this);
}

TlsStream::TlsStream(std::unique_ptr<Stream> inner, const TlsClientContext& context,
                     std::string_view server_name, const TlsStreamOptions& options)
    : connection_(std::make_unique<TlsConnection>(std::move(inner), TlsEngine(context, server_name),
                                                  options)) {
    connection_->stand_behind(*this);
}

TlsStream::~TlsStream() = default;

Task<Result<std::unique_ptr<TlsStream>>>
TlsStream::connect(EventLoop& loop, Endpoint peer, TlsClientContext context,
                   std::string server_name, Deadline deadline, TlsStreamOptions options) {
    const Deadline limit = deadline.is_default() ? within(std::chrono::seconds(10)) : deadline;
    const Duration began = loop.now();
    auto connected = co_await TcpStream::connect(loop, peer, limit);
    if (!connected) co_return failure(std::move(connected.error()));
    auto stream = std::make_unique<TlsStream>(std::make_unique<TcpStream>(std::move(*connected)),
                                              context, server_name, options);
    const Duration spent = loop.now() - began;
    const Deadline rest = limit.is_never() ? limit : within(Duration(limit.timeout_ns()) - spent);
    auto shaken = co_await stream->handshake(rest);
    if (!shaken) co_return failure(std::move(shaken.error()));
    co_return stream;
}

HandshakeOperation TlsStream::handshake(Deadline deadline) noexcept {
    return {*connection_, deadline};
}
FlushOperation TlsStream::flush(Deadline deadline) noexcept { return {*connection_, deadline}; }

bool TlsStream::is_handshake_complete() const noexcept { return connection_->is_ready(); }

TlsPeerInfo TlsStream::peer_info() const { return connection_->engine().peer_info(); }

const Error* TlsStream::tls_failure() const noexcept {
    const TlsEngine& engine = connection_->engine();
    return engine.has_failed() ? &engine.failure() : nullptr;
}

void TlsStream::close() noexcept { connection_->close(); }
void TlsStream::abort() noexcept { connection_->abort(); }
void TlsStream::cancel() noexcept { connection_->cancel(); }

// What has not left here counts as what has not arrived, and what was dropped never will.
detail::Unacknowledged TlsStream::unacknowledged() const noexcept {
    if (!is_open()) return {0, true, 0, connection_->closed_by()};
    if (!connection_->is_bound()) return {}; // nothing was written yet
    detail::Unacknowledged all = unacknowledged_of(connection_->inner());
    all.bytes += connection_->unsent_bytes();
    all.is_over = all.is_over || connection_->has_dropped_output();
    return all;
}

void TlsStream::set_idle_timeout(Duration idle_timeout) noexcept {
    connection_->inner().set_idle_timeout(idle_timeout);
}
void TlsStream::set_write_stall_timeout(Duration write_stall_timeout) noexcept {
    connection_->inner().set_write_stall_timeout(write_stall_timeout);
}

bool TlsStream::is_open() const noexcept { return connection_->is_open(); }
std::uint64_t TlsStream::bytes_received() const noexcept { return connection_->bytes_received(); }
std::uint64_t TlsStream::bytes_sent() const noexcept { return connection_->bytes_sent(); }
EndReport TlsStream::end_report() const { return connection_->end_report(); }

bool TlsStream::start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept {
    return connection_->start_read(request, waiter);
}
bool TlsStream::start_write(detail::WriteRequest& request, detail::PromiseBase& waiter) noexcept {
    return connection_->start_write(request, waiter);
}
std::ptrdiff_t TlsStream::try_write(detail::WriteRequest& request) {
    return connection_->try_write(request, not_tried);
}
bool TlsStream::start_shutdown(ShutdownOperation& request, detail::PromiseBase& waiter) noexcept {
    return connection_->start_shutdown(request, waiter);
}
bool TlsStream::start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept {
    return connection_->start_close(request, waiter);
}
// Operations are parked with the connection.
void TlsStream::abandon(detail::Operation& operation) noexcept { connection_->abandon(operation); }

// Operations

HandshakeOperation::HandshakeOperation(TlsConnection& connection, Deadline deadline) noexcept
    : Operation(detail::SuspensionPoint::tls_handshake, deadline) {
    set_owner(connection);
}

bool HandshakeOperation::start(detail::PromiseBase& waiter) noexcept {
    return static_cast<TlsConnection&>(owner()).start_handshake(*this, waiter);
}

Result<void> HandshakeOperation::await_resume() {
    if (!error()) return {};
    if (reason_) return failure(std::move(*reason_));
    return failure(error().code());
}

FlushOperation::FlushOperation(TlsConnection& connection, Deadline deadline) noexcept
    : Operation(detail::SuspensionPoint::tls_flush, deadline) {
    set_owner(connection);
}

bool FlushOperation::start(detail::PromiseBase& waiter) noexcept {
    return static_cast<TlsConnection&>(owner()).start_flush(*this, waiter);
}

Result<void> FlushOperation::await_resume() const {
    if (error()) return failure(error().code());
    return {};
}

} // namespace tidemill
