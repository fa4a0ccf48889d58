// TcpStream: a Stream over a TCP connection.
#pragma once

#include <tidemill/core/chunk.hpp>
#include <tidemill/core/lease_account.hpp>
#include <tidemill/core/native.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/core/timer_node.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/stream.hpp>
#include <tidemill/net/stream_deadlines.hpp>
#include <tidemill/net/stream_ends.hpp>
#include <tidemill/net/tcp_info.hpp>
#include <tidemill/net/tcp_options.hpp>

namespace tidemill {

class EventLoop;
class ConnectOperation;

namespace detail {
class Connection;
struct InTurn {}; ///< says that the loop's own turn is the caller
} // namespace detail

/// Movable while nothing waits on it (checked); the socket itself never moves. Thread: the loop's
/// own.
class TcpStream final : public Stream, private detail::TimerNode {
public:
    /// A closed stream, to be assigned to.
    TcpStream() noexcept { ends_.on_close(); }
    TcpStream(TcpStream&& other) noexcept { take(other); }
    TcpStream& operator=(TcpStream&& other) noexcept;
    ~TcpStream() override { close(); }

    /// Connects to `peer`; the result is a Result<TcpStream>.
    ///
    /// Errors: `std::errc::connection_refused`, `host_unreachable`, `network_unreachable`,
    /// `address_not_available`, `too_many_files_open`, `Errc::deadline_expired`, `Errc::cancelled`.
    /// Without a deadline the system's own limit applies (Linux: about two minutes).
    [[nodiscard]] static ConnectOperation connect(EventLoop& loop, const Endpoint& peer,
                                                  Deadline deadline = {},
                                                  const TcpOptions& options = {}) noexcept;

    /// Takes over a connected, non-blocking socket.
    TcpStream(detail::LoopCore& loop, NativeSocket socket);
    /// The same for listeners, which run in a turn of the loop.
    TcpStream(detail::LoopCore& loop, NativeSocket socket, detail::InTurn in_turn);

    void close() noexcept override;
    void abort() noexcept override;
    void cancel() noexcept override;
    void set_idle_timeout(Duration idle_timeout) noexcept override;
    void set_write_stall_timeout(Duration write_stall_timeout) noexcept override;
    [[nodiscard]] bool is_open() const noexcept override { return socket_ != invalid_socket; }
    [[nodiscard]] std::uint64_t bytes_received() const noexcept override { return received_; }
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept override { return sent_; }
    [[nodiscard]] EndReport end_report() const override;
    /// What the system knows about the connection. Errors: `Errc::not_supported` where it does not
    /// tell (Windows before 10 1703, Wine), `Errc::closed_locally`.
    [[nodiscard]] Result<TcpInfo> info() const;

    /// For a service that ends: the read that waits now and those to come end as timed out when the
    /// peer sends nothing for `quiet`, whatever deadline they were given.
    void limit_quiet(Duration quiet) noexcept;

    [[nodiscard]] Result<Endpoint> local_endpoint() const;
    [[nodiscard]] Result<Endpoint> peer_endpoint() const;
    /// Changes the options of an open stream; what is 0 in them stays as it is. The first failure
    /// is reported, `Errc::closed_locally` for a closed stream.
    Result<void> set_options(const TcpOptions& options);
    /// What the system made of them: Linux doubles the sizes of buffers. What it does not tell is
    /// 0.
    [[nodiscard]] Result<TcpOptions> options() const;
    /// For options that this class does not know; do not read, write, close or re-register it.
    [[nodiscard]] NativeSocket native_handle() const noexcept { return socket_; }

private:
    friend ConnectOperation;
    friend detail::Connection;

    bool start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept override;
    bool start_write(detail::WriteRequest& request, detail::PromiseBase& waiter) noexcept override;
    std::ptrdiff_t try_write(detail::WriteRequest& request) override;
    bool continue_write(detail::WriteRequest& request, detail::PromiseBase& waiter,
                        std::ptrdiff_t taken) noexcept override;
    bool start_shutdown(ShutdownOperation& request, detail::PromiseBase& waiter) noexcept override;
    bool start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept override;
    bool start_connect(ConnectOperation& request, detail::PromiseBase& waiter) noexcept;

    void on_ending(detail::Ending ending) noexcept override;
    void on_more_behind() noexcept override { reads_on_ = true; }
    void on_readable() override;
    void on_writable() noexcept override;
    void on_leases_returned() noexcept override;
    void on_loop_gone() noexcept override;
    void on_timer() noexcept override;
    void abandon(detail::Operation& operation) noexcept override;

    [[nodiscard]] detail::Unacknowledged unacknowledged() const noexcept override;
    void take(TcpStream& other) noexcept;
    bool wait_to_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept;
    bool start_other_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept;
    void on_readable_otherwise() noexcept;
    void ask_again(detail::ReadRequest& request) noexcept;
    void on_unusual_receive(detail::ReadRequest& request, std::ptrdiff_t bytes,
                            std::size_t asked) noexcept;
    [[nodiscard]] bool try_receive(detail::ReadRequest& request) noexcept;
    [[nodiscard]] bool try_lease(detail::ReadRequest& request) noexcept;
    bool await_leases() noexcept;
    [[nodiscard]] bool received(std::size_t bytes, std::size_t asked, detail::PackedError error,
                                detail::ReadRequest& request) noexcept;
    void count_received(std::size_t bytes, std::size_t asked) noexcept;
    [[nodiscard]] bool end_or_wait(detail::WriteRequest& request, detail::PromiseBase& waiter,
                                   bool is_at_end) noexcept;
    [[nodiscard]] bool send(detail::WriteRequest& request) noexcept;
    [[nodiscard]] bool send_pieces(detail::WriteRequest& request) noexcept;
    [[nodiscard]] bool is_at_end(detail::WriteRequest& request, detail::PackedError error) noexcept;
    void count_sent(detail::WriteRequest& request, std::size_t bytes) noexcept;
    [[nodiscard]] bool discard(CloseOperation& request) noexcept;
    [[nodiscard]] detail::PackedError end_output() noexcept;
    void finish_connect(ConnectOperation& request) noexcept;
    detail::PackedError want_to_write() noexcept;
    detail::PackedError want(detail::Interest more) noexcept {
        return (interest_ | more) == interest_ ? detail::PackedError() : ask(interest_ | more);
    }
    detail::PackedError ask(detail::Interest wanted) noexcept;
    void drop(detail::Interest less) noexcept;
    void expire_read() noexcept;
    void end_waiters() noexcept;
    void release_socket() noexcept;
    void release_after_close() noexcept;
    void close_in_order() noexcept;
    void close_now() noexcept;

    detail::LoopCore* loop_ = nullptr;
    NativeSocket socket_ = invalid_socket;
    std::uint32_t slot_ = 0;
    detail::Operation* writer_ = nullptr;
    detail::LeaseAccount leases_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    detail::StreamEnds ends_;
    [[no_unique_address]] detail::StreamDeadlines deadlines_; ///< its last bytes hold what follows
    detail::Interest interest_ = detail::Interest::none;      ///< what the selector knows
    bool has_unread_ : 1 = false;   ///< there was more than the last read took: try before waiting
    bool reads_on_ : 1 = false;     ///< something lies behind what a short read has taken
    bool wants_leases_ : 1 = false; ///< the loop has been asked to tell when leases come back
    detail::Ending ending_ : 2 = detail::Ending::unknown; ///< what the selector has told first
    std::uint8_t exceptions_at_birth_ = 0;
};

/// Made by TcpStream::connect().
class [[nodiscard]] ConnectOperation : public detail::Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return stream_.start_connect(*this, frame.promise());
    }
    [[nodiscard]] Result<TcpStream> await_resume();
    /// A connection that nobody has taken is not lingered for.
    ~ConnectOperation() { stream_.abort(); }

private:
    friend TcpStream;
    ConnectOperation(EventLoop& loop, const Endpoint& peer, Deadline deadline,
                     const TcpOptions& options) noexcept
        : Operation(detail::SuspensionPoint::tcp_connect, deadline), loop_(loop), peer_(peer),
          options_(options) {}

    EventLoop& loop_;
    Endpoint peer_;
    TcpOptions options_;
    TcpStream stream_;
};

} // namespace tidemill
