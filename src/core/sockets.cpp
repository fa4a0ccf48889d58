#include "core/sockets.hpp"

namespace tidemill::detail {

LeasedResult Sockets::receive_leased(NativeSocket socket, ChunkPool& pool, LeaseAccount& account,
                                     Chunk& chunk) {
    return receive_by_lease(pool, account, chunk,
                            [&](std::span<std::byte> into) { return receive(socket, into); });
}

} // namespace tidemill::detail
