// Memory and page book-keeping of one arena.
#include "core/chunk_arena.hpp"

#include "core/chunk_pool.hpp"
#include "core/poison.hpp"

#include <new>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

static_assert(sizeof(ChunkArena) <= ChunkArena::page_bytes, "the header fits its page");

namespace {
constexpr std::align_val_t arena_alignment{ChunkArena::size_bytes};
constexpr std::size_t leasable_bytes = ChunkArena::size_bytes - ChunkArena::page_bytes;
} // namespace

ChunkArena::ChunkArena(ChunkPool& pool, ThreadMark thread) noexcept
    : pool_(&pool), thread_(thread) {}

ChunkArena* ChunkArena::create(ChunkPool& pool, ThreadMark thread) {
    void* const memory = ::operator new(size_bytes, arena_alignment);
    auto* const arena = ::new (memory) ChunkArena(pool, thread);
    poison(arena->page(usable_pages.first), leasable_bytes);
    return arena;
}

void ChunkArena::destroy(ChunkArena* arena) noexcept {
    unpoison(arena->page(usable_pages.first), leasable_bytes);
    arena->~ChunkArena();
    ::operator delete(static_cast<void*>(arena), arena_alignment);
}

void ChunkArena::give_back(const std::byte* memory) noexcept {
    const auto first = static_cast<std::size_t>(memory - page(0)) / page_bytes;
    LeaseRecord* const record = leases_[first].record;
    const PageRun run{first, leases_[first].pages};
    leases_[first] = {};
    free_.add(run);
    poison(page(first), run.count * page_bytes);
    if (pool_ != nullptr)
        pool_->lease_returned(*this, *record, run.count * page_bytes);
    else if (unleased())
        destroy(this);
}

} // namespace tidemill::detail
