// Server: accepts connections and runs one handler task for each, within limits.
#pragma once

#include <memory>
#include <string_view>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/task.hpp>
#include <tidemill/net/tcp_listener.hpp>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

struct ServerOptions {
    ListenOptions listen;
    /// Connections at a time; further ones are accepted, closed in order and counted. 0: no limit.
    std::size_t max_connections = 100'000;
    /// The same for one peer address. 0: no limit.
    std::size_t max_connections_per_address = 0;
    /// Default limits of each connection (Stream::set_idle_timeout, set_write_stall_timeout).
    Duration idle_timeout = std::chrono::seconds(60);
    Duration write_stall_timeout = std::chrono::seconds(60);
    /// Told, in one line, of handlers that threw, and when accepting pauses for want of descriptors
    /// or memory (once for each shortage). Null: nobody is. Must not throw.
    void (*log)(std::string_view line) noexcept = &log_to_standard_error;
    /// Told how each connection has ended, before it is closed for good; the peer is unknown if the
    /// handler has closed the stream itself. It costs a system call. Null: nobody is. Must not
    /// throw.
    void (*on_end)(const EndReport& report) noexcept = nullptr;

    static void log_to_standard_error(std::string_view line) noexcept;
};

struct ServerCounters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;         ///< closed because of a limit
    std::uint64_t active = 0;          ///< handlers that run now
    std::uint64_t failed_handlers = 0; ///< that threw; their connections were aborted
    std::uint64_t bytes_received = 0;  ///< by connections that have ended
    std::uint64_t bytes_sent = 0;      ///< by connections that have ended
};

namespace detail {

class ServerCore;

/// A handler of any type.
class ConnectionHandler {
public:
    virtual ~ConnectionHandler() = default;
    [[nodiscard]] virtual Task<void> handle(TcpStream& peer) = 0;
};

template <class Callable> class CallableHandler final : public ConnectionHandler {
public:
    explicit CallableHandler(Callable&& callable) : callable_(std::move(callable)) {}
    Task<void> handle(TcpStream& peer) override { return callable_(peer); }

private:
    Callable callable_;
};

} // namespace detail

/// Movable. Destroying it (or stop()) closes the listener and destroys all handlers at once; their
/// connections are closed as ~Stream does. Thread: the loop's own.
class Server {
public:
    /// Listens on `address`, "127.0.0.1:7000" or "[::1]:7000" (see Endpoint::parse); port 0 lets
    /// the system choose. Errors: of Endpoint::parse and TcpListener::listen.
    [[nodiscard]] static Result<Server> listen(EventLoop& loop, std::string_view address,
                                               const ServerOptions& options = {});
    [[nodiscard]] static Result<Server> listen(EventLoop& loop, const Endpoint& address,
                                               const ServerOptions& options = {});
    /// Serves the connections of a listener that exists already: an adopted one, for example.
    /// `options.listen` does not count. Throws std::bad_alloc.
    [[nodiscard]] static Server over(EventLoop& loop, std::unique_ptr<TcpListener> listener,
                                     const ServerOptions& options = {});
    Server(Server&& other) noexcept;
    Server& operator=(Server&& other) noexcept;
    ~Server();

    /// Starts to accept. For each connection `handler(peer)` runs as a task; it takes a TcpStream&
    /// or Stream& and gives a Task<void>. When it returns the connection is closed in order (see
    /// ~Stream); when it throws, aborted. The server keeps the handler, so that a capturing lambda
    /// is safe here. Once only.
    template <class Handler>
    requires std::is_invocable_r_v<Task<void>, Handler&, TcpStream&> void serve(Handler handler) {
        start(std::make_unique<detail::CallableHandler<Handler>>(std::move(handler)));
    }

    /// Closes the listener; running handlers go on.
    void stop_accepting() noexcept;
    /// Stops accepting, gives running handlers `limit` to end, ends those that hear nothing from
    /// their peer for `quiet`, and waits until the closed connections have been seen off. What is
    /// left then is destroyed, and the result is `Errc::deadline_expired`.
    [[nodiscard]] Task<Result<void>> drain(Duration limit,
                                           Duration quiet = std::chrono::milliseconds(250));
    /// Closes the listener and destroys all handlers; allowed from a handler.
    void stop() noexcept;

    /// Calls `visit(const TcpStream&)` for each connection whose handler runs. It must change
    /// nothing: no stream, no task, not this server.
    template <class Visit> void for_each_connection(Visit visit) const {
        visit_connections([](void* to, const TcpStream& each) { (*static_cast<Visit*>(to))(each); },
                          std::addressof(visit));
    }

    [[nodiscard]] const Endpoint& endpoint() const noexcept;
    [[nodiscard]] ServerCounters counters() const noexcept;

private:
    friend class PoolListener;
    explicit Server(std::shared_ptr<detail::ServerCore> core) noexcept;
    void start(std::unique_ptr<detail::ConnectionHandler> handler);
    void visit_connections(void (*visit)(void*, const TcpStream&), void* context) const;

    std::shared_ptr<detail::ServerCore>
        core_; ///< shared with nobody: drain() looks whether it lives
};

} // namespace tidemill
