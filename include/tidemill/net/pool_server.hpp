// PoolListener: one TCP address that all loops of a pool serve.
#pragma once

#include <memory>
#include <string_view>
#include <tidemill/core/loop_pool.hpp>
#include <tidemill/net/server.hpp>

namespace tidemill {

/// How new connections come to the loops of a pool. A connection never changes its loop.
enum class Spread : std::uint8_t {
    /// by_kernel where the system balances listeners that share a port (Linux), else by_hand_over.
    automatic,
    /// A listener for each loop on one port (SO_REUSEPORT, socket(7)): the kernel chooses by the
    /// addresses of both ends, so clients are spread evenly only if they are many. What waits in
    /// the queue of a listener that closes is reset.
    by_kernel,
    /// The first loop accepts, and hands the sockets over to all in turn, itself included. A
    /// connection costs one post more; a loop that cannot take it is passed over.
    by_hand_over,
};

namespace detail {
struct PoolListening;
}

/// Movable. Listens from the moment at which it is made; connections wait in the system's queue
/// until the loops have servers.
///
/// Thread: listen() belongs to the thread of the pool, server_on() to the loop that it is given.
/// Destroy it after LoopPool::run(): what no loop has taken is closed then.
class PoolListener {
public:
    /// Port 0 lets the system choose one, for all loops. With `options.reuse_port` servers of other
    /// processes may share the address, too; without it a server that has it is an error.
    ///
    /// Errors: of Endpoint::parse and TcpListener::listen; `std::errc::not_supported` for
    /// Spread::by_kernel where there is no SO_REUSEPORT.
    [[nodiscard]] static Result<PoolListener> listen(const LoopPool& pool, std::string_view address,
                                                     const ListenOptions& options = {},
                                                     Spread spread = Spread::automatic);
    [[nodiscard]] static Result<PoolListener> listen(const LoopPool& pool, const Endpoint& address,
                                                     const ListenOptions& options = {},
                                                     Spread spread = Spread::automatic);
    PoolListener(PoolListener&& other) noexcept;
    PoolListener& operator=(PoolListener&& other) noexcept;
    ~PoolListener();

    /// The server of this loop; once for each (checked). Its limits and counters are the loop's
    /// own; `options.listen` does not count. Under Spread::by_hand_over nothing is accepted before
    /// the first loop's server serves, nor after it has stopped to accept.
    ///
    /// Errors: of TcpListener::adopt.
    [[nodiscard]] Result<Server> server_on(PoolLoop& here, const ServerOptions& options = {});

    [[nodiscard]] const Endpoint& endpoint() const noexcept;
    /// Never `automatic`.
    [[nodiscard]] Spread spread() const noexcept;

private:
    explicit PoolListener(std::shared_ptr<detail::PoolListening> state) noexcept;
    std::shared_ptr<detail::PoolListening> state_;
};

} // namespace tidemill
