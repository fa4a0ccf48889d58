// The cold half of Chunk: copying, keeping and releasing.
#include <tidemill/core/chunk.hpp>

#include "core/chunk_pool.hpp"

#include <algorithm>
#include <new>

namespace tidemill {

static_assert(sizeof(Chunk) <= 16);

Chunk Chunk::copy_of(std::span<const std::byte> bytes) {
    TIDEMILL_REQUIRE(bytes.size() < own_block, "a chunk holds less than 2 GiB");
    if (bytes.empty()) return {};
    auto* const block = static_cast<std::byte*>(::operator new(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), block);
    return {block, bytes.size(), own_block};
}

void Chunk::keep() {
    if (!kept()) *this = copy_of(bytes());
}

void Chunk::release() noexcept {
    std::byte* const start = data_ - (origin_ & ~own_block);
    if (kept()) [[unlikely]]
        return ::operator delete(start);
    detail::ChunkArena& arena = detail::ChunkArena::around(start);
    TIDEMILL_REQUIRE(arena.is_on_its_thread(),
                     "a chunk must be released on the thread of its loop; keep() it to pass it on");
    detail::ChunkPool* const pool = arena.pool();
    if (pool == nullptr || !pool->end_quick_lease(start)) [[unlikely]]
        arena.give_back(start);
}

} // namespace tidemill
