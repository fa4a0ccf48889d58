// UdpSocket: datagrams, with or without a fixed peer.
//
// What one datagram does never ends the socket: an error that the network reported for an earlier
// one (a refused port, an unreachable host) is the result of one call, and the next call goes on.
// A service must not answer its own endpoint, or a forged sender makes it talk to itself for ever;
// nor, before it knows a peer, send it more than came. Both are the application's duty.
#pragma once

#include <memory>
#include <span>
#include <tidemill/core/native.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/net/bytes.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/udp_operations.hpp>

namespace tidemill {

class EventLoop;

namespace detail {
struct DatagramResult;
}

struct UdpOptions {
    bool reuse_address = false;   ///< on most systems lets other sockets share the port
    bool reuse_port = false;      ///< several sockets on one port, balanced by the kernel
    bool broadcast = false;       ///< allows sending to broadcast addresses
    bool dual_stack = true;       ///< a socket on [::] serves IPv4 as well
    int receive_buffer_bytes = 0; ///< 0: the system's choice
    int send_buffer_bytes = 0;    ///< 0: the system's choice
};

/// Does not move: hold it where it stays. Thread: the loop's own.
class UdpSocket final : private detail::Source {
public:
    /// A socket that hears everybody on `local`; port 0 lets the system choose (see endpoint()).
    ///
    /// Errors: `std::errc::address_in_use`, `address_not_available`, `permission_denied`,
    /// `too_many_files_open`, each naming the endpoint.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>>
    bind(EventLoop& loop, const Endpoint& local, const UdpOptions& options = {});
    /// A socket that hears `peer` only and is told when the peer's system refuses its datagrams.
    /// Errors: as bind(), and `std::errc::network_unreachable`.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>>
    connect(EventLoop& loop, const Endpoint& peer, const UdpOptions& options = {});
    /// Whoever waits ends as `cancelled`.
    ~UdpSocket() { close(); }

    /// Waits for a datagram and leases its bytes; an empty one is data like any other.
    ///
    /// Datagrams of every size fit, with one exception: a socket that holds no chunk while its loop
    /// has used up its budget gets what is left, at least 4 KiB, and longer datagrams come with
    /// `is_truncated`. A socket that does hold chunks then waits until some come back.
    ///
    /// Errors: `Errc::deadline_expired`, `Errc::cancelled`, `Errc::closed_locally`; connected, and
    /// for one call only, `std::errc::connection_refused`, `host_unreachable` and their kin: an
    /// earlier datagram of ours did not arrive. Lifetime: the awaitable lives in the caller's
    /// frame; destroying it ends the wait and loses no datagram. At most one receive at a time
    /// (checked).
    UdpReceiveOperation receive(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    /// As receive(), into the caller's memory, which is borrowed until the operation ends and must
    /// not be empty; what does not fit is lost, and `is_truncated` says so.
    UdpReceiveIntoOperation receive(std::span<std::byte> into, Deadline deadline = {}) noexcept {
        return {*this, into, deadline};
    }

    /// Hands one datagram to the system, at once unless the send buffer is full. That says nothing
    /// about its arrival. `bytes` are borrowed until the operation ends.
    ///
    /// Errors: `std::errc::message_size` (over 65,507 bytes in IPv4), `network_unreachable` and
    /// others of the system, `already_connected` for a connected socket; `Errc::deadline_expired`,
    /// `Errc::cancelled`, `Errc::closed_locally`. The socket goes on after each but the last. At
    /// most one send at a time (checked).
    UdpSendOperation send(Bytes bytes, const Endpoint& to, Deadline deadline = {}) noexcept {
        return {*this, bytes.span(), to, deadline};
    }
    /// To the connected peer. Errors: as above, `std::errc::not_connected` without a peer, and
    /// `connection_refused` if an earlier datagram was refused; this one has then not been sent.
    UdpSendOperation send(Bytes bytes, Deadline deadline = {}) noexcept {
        return {*this, bytes.span(), deadline};
    }

    void close() noexcept;
    /// Ends what waits as `cancelled`.
    void cancel() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return socket_ != invalid_socket; }
    /// Where it is bound, with the port that the system chose.
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// For options that this class does not know; do not read, write, close or re-register it.
    [[nodiscard]] NativeSocket native_handle() const noexcept { return socket_; }

private:
    friend detail::UdpReceiveRequest;
    friend UdpSendOperation;
    UdpSocket(detail::LoopCore& loop, NativeSocket socket, const Endpoint& endpoint,
              bool is_connected);

    bool start_receive(detail::UdpReceiveRequest& request, detail::PromiseBase& waiter) noexcept;
    bool start_send(UdpSendOperation& request, detail::PromiseBase& waiter) noexcept;
    [[nodiscard]] bool receive(detail::UdpReceiveRequest& request) noexcept;
    [[nodiscard]] bool receive_lease(detail::UdpReceiveRequest& request) noexcept;
    [[nodiscard]] bool received(detail::UdpReceiveRequest& request, Chunk&& payload,
                                const detail::DatagramResult& came) noexcept;
    [[nodiscard]] bool send(UdpSendOperation& request) noexcept;
    void expire(detail::UdpReceiveRequest& request) noexcept;
    detail::PackedError want(detail::Interest more) noexcept;
    void drop(detail::Interest less) noexcept;

    void on_ending(detail::Ending ending) noexcept override;
    void on_readable() noexcept override;
    void on_writable() noexcept override;
    void on_leases_returned() noexcept override;
    void on_loop_gone() noexcept override;
    void abandon(detail::Operation& operation) noexcept override;

    detail::LoopCore* loop_;
    NativeSocket socket_;
    std::uint32_t slot_;
    detail::UdpReceiveRequest* reader_ = nullptr;
    UdpSendOperation* writer_ = nullptr;
    detail::LeaseAccount leases_;
    Endpoint endpoint_;
    detail::Interest interest_ = detail::Interest::none; ///< what the selector knows
    bool is_connected_;
    bool has_unread_ = false;      ///< the last receive found something: try before waiting
    detail::PackedError reported_; ///< told by the selector, for the receive that comes next
};

} // namespace tidemill
