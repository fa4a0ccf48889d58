// The socket seam: non-blocking socket calls, with the system's errors translated once, here.
//
// No call blocks. Would-block is `std::errc::operation_would_block`; a connect that goes on is
// `std::errc::operation_in_progress`. EINTR never comes out: calls are retried, except close (the
// descriptor is gone) and connect (it goes on). The calls are virtual, so that tests can fail the
// n-th of them on any system; beside a system call that costs nothing measurable.
#pragma once

#include "core/chunk_pool.hpp"
#include <cstddef>
#include <new>
#include <span>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/native.hpp>
#include <tidemill/core/packed_error.hpp>
#include <tidemill/core/unacknowledged.hpp>
#include <tidemill/net/datagram.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/icmp.hpp>
#include <tidemill/net/tcp_info.hpp>

namespace tidemill::detail {

enum class SocketKind : std::uint8_t { stream, datagram };

/// Options by what they mean; each platform knows its own numbers.
enum class SocketOption : std::uint8_t {
    no_delay,            ///< TCP_NODELAY
    keep_alive,          ///< SO_KEEPALIVE
    reuse_address,       ///< listeners: rebind after a restart; never shares a port with a stranger
    reuse_port,          ///< several listeners on one port, balanced by the kernel
    v6_only,             ///< IPV6_V6ONLY
    broadcast,           ///< SO_BROADCAST
    receive_buffer,      ///< SO_RCVBUF, bytes
    send_buffer,         ///< SO_SNDBUF, bytes
    keep_alive_idle,     ///< TCP_KEEPIDLE, seconds of silence before the first probe
    keep_alive_interval, ///< TCP_KEEPINTVL, seconds between probes
    keep_alive_count,    ///< TCP_KEEPCNT, unanswered probes that end the connection
    user_timeout,        ///< TCP_USER_TIMEOUT, milliseconds that sent bytes may wait for the peer
    datagram_details,    ///< own address, interface and mark of each datagram are told
    multicast_interface, ///< by index, for what is sent to groups
    multicast_loop,      ///< what is sent to groups is heard on this machine as well
    multicast_hops,      ///< how many routers such a datagram passes, plus one
    gather_input,        ///< UDP_GRO; once on it stays on, or what is queued would lose its bounds
};

struct IoResult {
    std::size_t bytes = 0;
    PackedError error;
};

struct SocketResult {
    NativeSocket socket = invalid_socket;
    PackedError error;
};

struct DatagramResult {
    std::size_t bytes = 0; ///< that fit into the buffer
    bool is_truncated = false;
    Endpoint sender;
    PackedError error;
    IpAddress own_address{}; ///< this and the rest: as in DatagramHeader, where it is told
    std::uint32_t interface_index = 0;
    Ecn ecn = Ecn::not_capable;
    std::size_t segment_bytes = 0; ///< as in IncomingDatagram
};

/// Of a call for many datagrams: how many messages were done, and why the next one was not. Without
/// an error and with fewer messages than were asked for: receiving, there are no more; sending, the
/// call is repeated with the rest.
struct ManyResult {
    std::size_t count = 0;
    PackedError error;
};

struct IcmpResult {
    IcmpReport report;
    PackedError error;
};

/// A group to hear, or to hear no longer.
struct MembershipChange {
    bool is_joined = true;
    IpAddress group;
    const IpAddress* source = nullptr; ///< null: whoever sends to the group
    std::uint32_t interface_index = 0; ///< 0: the system's choice
};

/// What a platform can do for datagrams beyond one for each call.
struct DatagramFeatures {
    bool many_per_call = false;   ///< receive_many() and send_many() are better than the loops
    bool cuts_output = false;     ///< a message to send may be a run of datagrams (GSO)
    bool gathers_input = false;   ///< SocketOption::gather_input (GRO)
    bool has_error_queue = false; ///< next_icmp_report() tells what was refused, and who
};

struct EndpointResult {
    Endpoint endpoint;
    PackedError error;
};

struct OptionResult {
    int value = 0;
    PackedError error;
};

/// Probes of silent peers; 0: as the system has it.
struct KeepAlive {
    bool is_on = false;
    int idle_seconds = 0;
    int interval_seconds = 0;
    int count = 0;
};

struct TcpInfoResult {
    TcpInfo info;
    PackedError error;
};

/// What a stream has given to the system.
struct Accepted {
    std::uint64_t bytes = 0;
    bool has_ended = false; ///< by shutdown_write()
};

/// One piece of a gathered send.
using Buffer = std::span<const std::byte>;

/// One message of send_many(): a datagram in one piece, or a run of datagrams to one peer.
struct OutgoingDatagram {
    std::span<const Buffer> pieces;  ///< at most 64
    const Endpoint* to = nullptr;    ///< null: the connected peer
    std::uint32_t segment_bytes = 0; ///< 0: one datagram; else the size of each but the last
};

class Sockets {
public:
    virtual ~Sockets() = default;

    /// A new non-blocking socket that child processes do not inherit.
    virtual SocketResult open(const IpAddress& family_of, SocketKind kind) = 0;
    virtual PackedError bind(NativeSocket socket, const Endpoint& local) = 0;
    virtual PackedError listen(NativeSocket socket, int backlog) = 0;
    /// The next queued connection, non-blocking and not inherited; its address only if asked for.
    virtual SocketResult accept(NativeSocket listener, Endpoint* peer) = 0;
    virtual PackedError connect(NativeSocket socket, const Endpoint& peer) = 0;
    /// How a connect that went on has ended.
    virtual PackedError connect_result(NativeSocket socket) = 0;

    virtual IoResult receive(NativeSocket socket, std::span<std::byte> into) = 0;
    virtual IoResult send(NativeSocket socket, Buffer bytes) = 0;
    /// receive() and send() in the form of recv(2): the count, or -1, and last_error() tells why
    /// (EINTR too: then call the other form). Every message passes here, and an override that is
    /// nothing but the system call leaves no frame between the kernel and who uses the result.
    virtual std::ptrdiff_t receive_now(NativeSocket socket, std::span<std::byte> into);
    virtual std::ptrdiff_t send_now(NativeSocket socket, Buffer bytes);
    /// Why the last receive_now() or send_now() failed; to be asked before any other call.
    [[nodiscard]] virtual PackedError last_error() const noexcept { return last_error_; }
    virtual IoResult send_gathered(NativeSocket socket, std::span<const Buffer> pieces) = 0;
    virtual DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) = 0;
    /// To `peer`, or, if it is null, to the connected one.
    virtual IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) = 0;

    // Datagrams by the batch. What stands here loops over the two calls above, and platforms that
    // can do better give the same results.

    [[nodiscard]] virtual DatagramFeatures datagram_features() const noexcept { return {}; }
    /// Receives into one message after the other, as many as there are. An error that comes behind
    /// datagrams stands beside their count, or comes out of the next call.
    virtual ManyResult receive_many(NativeSocket socket, std::span<IncomingDatagram> into);
    /// Sends one message after the other, up to the first that the system does not take. Runs only
    /// if the features say so; of a run that failed nothing was sent.
    virtual ManyResult send_many(NativeSocket socket, std::span<const OutgoingDatagram> messages);
    /// Whether the socket is to be told of datagrams that did not arrive. Without an error queue
    /// the calls above fail then, once for each.
    virtual PackedError set_icmp_policy(NativeSocket socket, IcmpPolicy policy);
    /// The oldest entry of the socket's error queue; operation_would_block if there is none.
    virtual IcmpResult next_icmp_report(NativeSocket socket);

    virtual PackedError change_membership(NativeSocket socket, const MembershipChange& change);

    virtual PackedError shutdown_write(NativeSocket socket) = 0;
    virtual void close(NativeSocket socket) noexcept = 0;
    /// Closes so that the peer sees a reset.
    virtual void close_with_reset(NativeSocket socket) noexcept = 0;

    virtual EndpointResult local_endpoint(NativeSocket socket) = 0;
    virtual EndpointResult peer_endpoint(NativeSocket socket) = 0;
    virtual PackedError set_option(NativeSocket socket, SocketOption option, int value) = 0;
    virtual OptionResult option(NativeSocket socket, SocketOption option) = 0;
    /// Sets the options of one kind together, since not every system has them one by one.
    virtual PackedError set_keep_alive(NativeSocket socket, const KeepAlive& keep_alive);

    // What not every platform knows: Errc::not_supported, unless it is overridden.

    virtual TcpInfoResult tcp_info(NativeSocket socket);
    /// How many bytes of what was accepted the peer's system has not acknowledged.
    virtual Unacknowledged unacknowledged(NativeSocket socket, const Accepted& accepted);
    /// Makes a listening TCP socket of somebody else like one of ours: non-blocking, not inherited.
    /// `std::errc::invalid_argument` if it is no such thing.
    virtual PackedError adopt_listener(NativeSocket socket);
    /// The same for a bound UDP socket. `std::errc::wrong_protocol_type` if it is none,
    /// `address_family_not_supported` if not of IPv4 or IPv6, `invalid_argument` if not bound; it
    /// is then as it was.
    virtual PackedError adopt_datagrams(NativeSocket socket);

private:
    PackedError last_error_;
};

/// The platform's own calls; lives for ever.
[[nodiscard]] Sockets& native_sockets() noexcept;

/// Whether the system spreads connections over listeners that share a port. Where SO_REUSEPORT only
/// lets them share it, one of them is given all.
[[nodiscard]] bool shared_ports_are_balanced() noexcept;

} // namespace tidemill::detail
