// TlsStream: a Stream that speaks TLS over any other Stream.
//
// Writes are gathered: they complete when their plain text is accepted, and what one turn of the
// loop has written goes out as one record and one send at its end, or at once when a record is
// full. flush() waits until everything is with the stream below.
//
// An orderly end is one that the peer has announced inside TLS. When the stream below ends without
// that, reading gives `Errc::truncated`, whatever had come before.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <tidemill/core/task.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/stream.hpp>
#include <tidemill/tls/tls_context.hpp>
#include <tidemill/tls/tls_peer_info.hpp>

namespace tidemill {

class EventLoop;
class HandshakeOperation;
class FlushOperation;
struct TcpOptions;

namespace detail {
class TlsConnection;
}

struct TlsStreamOptions {
    /// For the whole handshake, counted from its first step. Zero: no limit.
    Duration handshake_timeout = std::chrono::seconds(10);
    /// What may be accepted and not be sent yet; beyond it writers suspend, and nothing is read.
    std::size_t pending_output_bytes = std::size_t{64} << 10;
};

/// Does not move. Thread: the loop's own. The limits of time for reads and writes are those of the
/// stream below, and set_idle_timeout() and set_write_stall_timeout() set them there.
///
/// close() and the destructor announce our end and send what the stream below takes at once; if it
/// does not take all, it is aborted, so who has much to say awaits close_gracefully() or flush().
/// After a write was torn nothing is announced.
class TlsStream final : public Stream {
public:
    /// The server's side over `inner`, which is borrowed until this stream is destroyed and must
    /// not be used by anybody else. Throws std::bad_alloc.
    TlsStream(Stream& inner, const TlsServerContext& context, const TlsStreamOptions& options = {});
    TlsStream(std::unique_ptr<Stream> inner, const TlsServerContext& context,
              const TlsStreamOptions& options = {});
    /// The client's side; see TlsEngine about `server_name`.
    TlsStream(Stream& inner, const TlsClientContext& context, std::string_view server_name,
              const TlsStreamOptions& options = {});
    TlsStream(std::unique_ptr<Stream> inner, const TlsClientContext& context,
              std::string_view server_name, const TlsStreamOptions& options = {});
    ~TlsStream() override;

    /// Connects to `peer` and shakes hands, both within `deadline` (default: 10 s).
    ///
    /// Errors: of TcpStream::connect() and handshake(). The context is copied.
    [[nodiscard]] static Task<Result<std::unique_ptr<TlsStream>>>
    connect(EventLoop& loop, Endpoint peer, TlsClientContext context, std::string server_name,
            Deadline deadline = {}, TlsStreamOptions options = {});

    /// Agrees with the peer. Reading and writing do so by themselves; this tells why it fails.
    ///
    /// Errors: `Errc::not_trusted`, `tls_alert`, `tls_failed`, `truncated`, with everything that is
    /// known in the message; `Errc::deadline_expired`; of the stream below. All are final.
    HandshakeOperation handshake(Deadline deadline = {}) noexcept;
    /// Waits until everything that was accepted is with the stream below, and makes it so.
    /// Counts as a write. Errors: as write().
    FlushOperation flush(Deadline deadline = {}) noexcept;

    [[nodiscard]] bool is_handshake_complete() const noexcept;
    /// Once the handshake is complete.
    [[nodiscard]] TlsPeerInfo peer_info() const;
    /// What an operation that gave `Errc::tls_failed` and its like cannot tell: alert and reasons.
    /// Null if TLS itself has not failed.
    [[nodiscard]] const Error* tls_failure() const noexcept;

    void close() noexcept override;
    void abort() noexcept override;
    void cancel() noexcept override;
    void set_idle_timeout(Duration idle_timeout) noexcept override;
    void set_write_stall_timeout(Duration write_stall_timeout) noexcept override;
    [[nodiscard]] bool is_open() const noexcept override;
    /// Of plain text, as handed out.
    [[nodiscard]] std::uint64_t bytes_received() const noexcept override;
    /// Of plain text, as accepted.
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept override;
    [[nodiscard]] EndReport end_report() const override;

private:
    bool start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept override;
    bool start_write(detail::WriteRequest& request, detail::PromiseBase& waiter) noexcept override;
    std::ptrdiff_t try_write(detail::WriteRequest& request) override;
    bool start_shutdown(ShutdownOperation& request, detail::PromiseBase& waiter) noexcept override;
    [[nodiscard]] detail::Unacknowledged unacknowledged() const noexcept override;
    bool start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept override;
    void abandon(detail::Operation& operation) noexcept override;

    std::unique_ptr<detail::TlsConnection> connection_;
};

/// Made by TlsStream::handshake().
class [[nodiscard]] HandshakeOperation : public detail::Operation {
public:
    HandshakeOperation(detail::TlsConnection& connection, Deadline deadline) noexcept;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<void> await_resume();
    /// The whole error; by then the stream may be gone.
    void set_reason(const Error& reason) { reason_ = reason; }

private:
    bool start(detail::PromiseBase& waiter) noexcept;
    std::optional<Error> reason_;
};

/// Made by TlsStream::flush().
class [[nodiscard]] FlushOperation : public detail::Operation {
public:
    FlushOperation(detail::TlsConnection& connection, Deadline deadline) noexcept;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<void> await_resume() const;

private:
    bool start(detail::PromiseBase& waiter) noexcept;
};

} // namespace tidemill
