// 512 KiB of receive memory, leased page by page.
//
// An arena is aligned to its size, so that a chunk finds it by masking its own address. The first
// page holds this header; the other 127 are leased. An arena whose pool is gone lives on until its
// last lease is returned, and then deletes itself.
#pragma once

#include "core/page_mask.hpp"
#include "core/thread_mark.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <tidemill/core/lease_account.hpp>

namespace tidemill::detail {

class ChunkPool;

class ChunkArena {
public:
    static constexpr std::size_t size_bytes = std::size_t{512} << 10;
    static constexpr std::size_t page_bytes = 4096;
    static constexpr PageRun usable_pages{1, PageMask::page_count - 1};

    /// Throws std::bad_alloc.
    static ChunkArena* create(ChunkPool& pool, ThreadMark thread);
    static void destroy(ChunkArena* arena) noexcept;
    static ChunkArena& around(std::byte* memory) noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(memory);
        return *reinterpret_cast<ChunkArena*>(address & ~std::uintptr_t{size_bytes - 1});
    }

    [[nodiscard]] std::byte* page(std::size_t index) noexcept {
        return reinterpret_cast<std::byte*>(this) + index * page_bytes;
    }
    [[nodiscard]] const PageMask& free_pages() const noexcept { return free_; }
    [[nodiscard]] bool unleased() const noexcept { return free_ == all_free(); }

    void lease(PageRun run, LeaseRecord& record) noexcept {
        free_.remove(run);
        leases_[run.first] = {&record, run.count};
    }
    /// Ends the lease that begins at `memory`. The arena may be gone afterwards.
    void give_back(const std::byte* memory) noexcept;
    [[nodiscard]] bool is_on_its_thread() const noexcept { return thread_ == current_thread(); }
    /// Null once the pool is gone.
    [[nodiscard]] ChunkPool* pool() const noexcept { return pool_; }

    void set_thread(ThreadMark thread) noexcept { thread_ = thread; }
    /// The pool goes: calls `forget(record, bytes)` for each lease and lives on alone.
    template <class Forget> void orphan(Forget forget) noexcept {
        pool_ = nullptr;
        for (const Lease& lease : leases_)
            if (lease.pages != 0) forget(*lease.record, lease.pages * page_bytes);
    }

    ChunkArena* previous = nullptr; ///< links of the pool's list
    ChunkArena* next = nullptr;

private:
    struct Lease {
        LeaseRecord* record = nullptr;
        std::size_t pages = 0;
    };

    ChunkArena(ChunkPool& pool, ThreadMark thread) noexcept;
    static constexpr PageMask all_free() noexcept {
        PageMask mask;
        mask.add(usable_pages);
        return mask;
    }

    PageMask free_ = all_free();
    ChunkPool* pool_;
    ThreadMark thread_;
    std::array<Lease, PageMask::page_count> leases_; ///< at the first page of each lease
};

} // namespace tidemill::detail
