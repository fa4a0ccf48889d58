#include "core/chunk_pool.hpp"
#include "core/sockets.hpp"
#include <new>

namespace tidemill::detail {

LeasedResult Sockets::receive_leased(NativeSocket socket, ChunkPool& pool, LeaseAccount& account) {
    LeasedResult result;
    try {
        const std::span<std::byte> run = pool.prepare(account);
        if (run.empty()) return result;
        result.asked_bytes = run.size();
        const IoResult io = receive(socket, run);
        result.error = io.error;
        result.chunk = pool.commit(account, io.bytes);
    } catch (const std::bad_alloc&) {
        result.error = std::errc::not_enough_memory;
    }
    return result;
}

} // namespace tidemill::detail
