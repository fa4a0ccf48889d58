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
#include <tidemill/net/endpoint.hpp>

namespace tidemill::detail {

enum class SocketKind : std::uint8_t { stream, datagram };

/// Options by what they mean; each platform knows its own numbers.
enum class SocketOption : std::uint8_t {
    no_delay,       ///< TCP_NODELAY
    keep_alive,     ///< SO_KEEPALIVE
    reuse_address,  ///< listeners: rebind after a restart; never shares a port with a stranger
    reuse_port,     ///< several listeners on one port, balanced by the kernel
    v6_only,        ///< IPV6_V6ONLY
    broadcast,      ///< SO_BROADCAST
    receive_buffer, ///< SO_RCVBUF, bytes
    send_buffer,    ///< SO_SNDBUF, bytes
};

struct IoResult {
    std::size_t bytes = 0;
    PackedError error;
};

struct LeasedResult {
    std::size_t asked_bytes = 0; ///< 0: no lease was granted, and the system was not asked
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
};

struct EndpointResult {
    Endpoint endpoint;
    PackedError error;
};

struct OptionResult {
    int value = 0;
    PackedError error;
};

/// One piece of a gathered send.
using Buffer = std::span<const std::byte>;

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
    /// Receives into the pool's memory and leases exactly what came, as `chunk`.
    virtual LeasedResult receive_leased(NativeSocket socket, ChunkPool& pool, LeaseAccount& account,
                                        Chunk& chunk);
    virtual IoResult send(NativeSocket socket, Buffer bytes) = 0;
    virtual IoResult send_gathered(NativeSocket socket, std::span<const Buffer> pieces) = 0;
    virtual DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) = 0;
    /// To `peer`, or, if it is null, to the connected one.
    virtual IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) = 0;

    virtual PackedError shutdown_write(NativeSocket socket) = 0;
    virtual void close(NativeSocket socket) noexcept = 0;
    /// Closes so that the peer sees a reset.
    virtual void close_with_reset(NativeSocket socket) noexcept = 0;

    virtual EndpointResult local_endpoint(NativeSocket socket) = 0;
    virtual EndpointResult peer_endpoint(NativeSocket socket) = 0;
    virtual PackedError set_option(NativeSocket socket, SocketOption option, int value) = 0;
    virtual OptionResult option(NativeSocket socket, SocketOption option) = 0;
};

/// What receive_leased() does, with `receive_into(span)` as the call between the two steps.
template <class ReceiveInto> LeasedResult receive_by_lease(ChunkPool& pool, LeaseAccount& account,
                                                           Chunk& chunk,
                                                           ReceiveInto receive_into) noexcept {
    LeasedResult result;
    try {
        const std::span<std::byte> run = pool.prepare(account);
        if (run.empty()) return result;
        const IoResult io = receive_into(run);
        result = {run.size(), io.error};
        if (io.bytes > 0) chunk = pool.commit(account, io.bytes);
    } catch (const std::bad_alloc&) {
        result.error = std::errc::not_enough_memory;
    }
    return result;
}

/// The platform's own calls; lives for ever.
[[nodiscard]] Sockets& native_sockets() noexcept;

} // namespace tidemill::detail
