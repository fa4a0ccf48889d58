// PoolUdp: one UDP address that all loops of a pool serve.
#pragma once

#include <memory>
#include <string_view>
#include <tidemill/core/loop_pool.hpp>
#include <tidemill/net/udp_socket.hpp>

namespace tidemill {

/// Where the system balances sockets that share a port (Linux, SO_REUSEPORT), there is one for each
/// loop, and the kernel chooses by the addresses of both ends: a peer is always heard by the same
/// loop, as long as none closes its socket. Elsewhere the first loop has the only socket, since a
/// datagram cannot be handed over for less than it costs to answer it.
///
/// Movable. Thread: bind() belongs to the thread of the pool, socket_on() to the loop that it is
/// given. A loop that never takes its socket leaves the datagrams of its peers unheard. Destroy it
/// after LoopPool::run(): what no loop has taken is closed then.
class PoolUdp {
public:
    /// Port 0 lets the system choose one, for all loops. With `options.reuse_port` sockets of other
    /// processes may share the address, too; without it a socket that has it is an error.
    /// Errors: of Endpoint::parse and UdpSocket::bind.
    [[nodiscard]] static Result<PoolUdp> bind(const LoopPool& pool, std::string_view address,
                                              const UdpOptions& options = {});
    [[nodiscard]] static Result<PoolUdp> bind(const LoopPool& pool, const Endpoint& address,
                                              const UdpOptions& options = {});
    PoolUdp(PoolUdp&& other) noexcept;
    PoolUdp& operator=(PoolUdp&& other) noexcept;
    ~PoolUdp();

    /// The socket of this loop; null if it has none, or has taken it before. Throws std::bad_alloc.
    [[nodiscard]] std::unique_ptr<UdpSocket> socket_on(PoolLoop& here);

    [[nodiscard]] const Endpoint& endpoint() const noexcept;
    /// How many loops have a socket: all, or the first.
    [[nodiscard]] std::size_t sockets() const noexcept;

private:
    struct State;
    explicit PoolUdp(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace tidemill
