// TcpListener: accepts TCP connections.
#pragma once

#include <tidemill/core/native.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/core/timed_operation.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

struct ListenOptions {
    int backlog = 1024;      ///< connections that the system queues; it may know a lower limit
    bool reuse_port = false; ///< several listeners on one port, balanced by the kernel
    bool dual_stack = true;  ///< an IPv6 listener on [::] serves IPv4 as well
    /// A port can be listened on again while old connections of it linger. It never lets two
    /// listeners share one: on Windows this is SO_EXCLUSIVEADDRUSE.
    bool reuse_address = true;
    TcpOptions stream; ///< for every accepted connection
};

class TcpListener;

/// Made by TcpListener::accept().
class [[nodiscard]] AcceptOperation final : public detail::TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<TcpStream> await_resume();

private:
    friend TcpListener;
    AcceptOperation(TcpListener& listener, Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::tcp_accept, deadline), listener_(listener) {}
    bool start(detail::PromiseBase& waiter) noexcept;

    TcpListener& listener_;
    TcpStream accepted_;
};

namespace detail {

class PausedListeners;

/// A taker of connections that does not wait for each: the Server.
class ConnectionSink {
public:
    /// False: take no more in this turn.
    [[nodiscard]] virtual bool on_connection(NativeSocket socket,
                                             const Endpoint& peer) noexcept = 0;
    /// Whether on_connection() wants to know the peer's address; asking for it costs a little.
    [[nodiscard]] virtual bool wants_peer() const noexcept = 0;
    /// Accepting pauses for want of descriptors or memory; told once for each
    /// shortage, which lasts until nobody waits to be accepted.
    virtual void on_accept_pause(PackedError reason) noexcept = 0;
    /// The loop was destroyed, and the listener is closed.
    virtual void on_listener_gone() noexcept = 0;

protected:
    ~ConnectionSink() = default;
};

} // namespace detail

/// Does not move: give it to a Server, or hold it where it stays. Thread: the loop's own.
///
/// Errors of single connections (aborted before they were accepted, network errors) are skipped.
/// When the process or the system is out of descriptors or memory, or 64 accepts have failed in a
/// row for whatever reason, accepting pauses; it goes on when a descriptor of the loop is closed,
/// or after a back-off of 50 ms, and clients meanwhile wait in the system's queue.
/// LoopCounters::accept_pauses counts that.
class TcpListener final : private detail::Source, private detail::TimerNode {
public:
    /// Binds and listens; port 0 lets the system choose (see endpoint()).
    ///
    /// Errors: `std::errc::address_in_use`, `address_not_available`, `permission_denied`,
    /// `too_many_files_open`, each naming the endpoint.
    [[nodiscard]] static Result<std::unique_ptr<TcpListener>>
    listen(EventLoop& loop, const Endpoint& local, const ListenOptions& options = {});
    /// Takes over a socket that somebody else has made to listen: a service manager, or the process
    /// that came before. It belongs to the listener from then on, unless this fails; of `options`
    /// only those of accepted connections count.
    ///
    /// Errors: `std::errc::invalid_argument` (not a listening TCP socket of IPv4 or IPv6),
    /// `not_a_socket`, `bad_file_descriptor`.
    [[nodiscard]] static Result<std::unique_ptr<TcpListener>>
    adopt(EventLoop& loop, NativeSocket socket, const ListenOptions& options = {});
    /// Waiting accepts end as `cancelled`; queued connections are reset by the system.
    ~TcpListener();

    /// Waits for the next connection. Errors: `Errc::deadline_expired`, `Errc::cancelled`,
    /// `Errc::closed_locally`. At most one at a time (checked), and none once a Server has it.
    AcceptOperation accept(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    void close() noexcept;
    void cancel() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return socket_ != invalid_socket; }
    /// Where it listens, with the port that the system chose.
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] NativeSocket native_handle() const noexcept { return socket_; }

    /// For Server: connections go to `sink` from now on, a limited number in each turn.
    void feed(detail::ConnectionSink& sink) noexcept;
    /// For Server: take connections again after the sink had refused, or stop taking them.
    void pause(bool paused) noexcept;

private:
    friend AcceptOperation;
    friend class detail::PausedListeners;
    TcpListener(detail::LoopCore& loop, NativeSocket socket, const Endpoint& endpoint);

    bool start_accept(AcceptOperation& request, detail::PromiseBase& waiter) noexcept;
    [[nodiscard]] bool accept_one(NativeSocket& accepted, Endpoint* peer) noexcept;
    void feed_sink() noexcept;
    void begin_pause(detail::PackedError reason) noexcept;
    void resume_soon() noexcept;
    void end_pause() noexcept;
    detail::PackedError watch(detail::Interest wanted) noexcept;
    void on_readable() noexcept override;
    void on_writable() noexcept override {}
    void on_loop_gone() noexcept override;
    void on_timer() noexcept override;
    void abandon(detail::Operation& operation) noexcept override;

    detail::LoopCore* loop_;
    NativeSocket socket_;
    std::uint32_t slot_;
    Endpoint endpoint_;
    AcceptOperation* waiter_ = nullptr;
    detail::ConnectionSink* sink_ = nullptr;
    detail::Interest interest_ = detail::Interest::none;
    bool lacks_descriptors_ = false;
    bool has_told_shortage_ = false; ///< to the sink; until nobody waits to be accepted
    bool is_paused_ = false;
    TcpListener* next_paused_ = nullptr;
};

} // namespace tidemill
