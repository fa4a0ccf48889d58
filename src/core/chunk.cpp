// The cold half of Chunk: copying, keeping and releasing.
#include <tidemill/core/chunk.hpp>

#include "core/chunk_arena.hpp"

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
    if (kept())
        ::operator delete(start);
    else
        detail::ChunkArena::around(start).give_back(start);
}

} // namespace tidemill
