// Memory for receives: taken only when bytes are there, leased exactly, returned when idle.
//
// A receive is two steps with the system call between them: `prepare` offers a run of free pages
// and `commit` leases those that hold what came; the rest was never taken. The size on offer
// shrinks as the budget fills, so that many holders get small buffers rather than few get all.
// While one chunk at a time is out, every receive lands on the same page, which stays in cache.
//
// Most chunks are released before the next receive. Such a lease, the only one and within one page,
// is merely noted (`quick_`) and forgotten again; it enters the books when a second one is asked
// for.
//
// Bounds: leased bytes never exceed `loop_bytes` plus a page for each stream that holds leases.
// Arenas are added only while their sum is within `loop_bytes` or no page at all is free, so they
// exceed the same bound by their header pages (1/128) and one arena at most. Of the arenas that
// nobody leases one is kept and the others are freed at once.
#pragma once

#include "core/chunk_arena.hpp"
#include "core/poison.hpp"

#include <cstddef>
#include <span>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/lease_account.hpp>

namespace tidemill::detail {

/// The receive memory of one loop. Thread: the loop's own. Chunks may outlive the pool.
class ChunkPool {
public:
    explicit ChunkPool(const ChunkLimits& limits = {}) noexcept;
    ~ChunkPool();
    ChunkPool(const ChunkPool&) = delete;
    ChunkPool& operator=(const ChunkPool&) = delete;

    /// Memory for one receive of the stream that owns `account`; valid until the next call of
    /// `prepare`, `commit` or `trim`. Empty if a budget is used up and this stream holds leases:
    /// then do not read it before `refused_may_retry` says so. A stream that holds leases is
    /// refused as well when there is less than `least_bytes` left for it. Throws std::bad_alloc.
    [[nodiscard]] std::span<std::byte> prepare(const LeaseAccount& account,
                                               std::size_t least_bytes = 1) {
        if (!can_lease_quickly()) [[unlikely]]
            return prepare_by_the_books(account, least_bytes);
        return prepare_quickly();
    }
    /// Leases the pages that hold the first `received_bytes` of what was prepared; 0 gives an
    /// empty chunk. Without a commit the prepared memory simply stays free.
    Chunk commit(LeaseAccount& account, std::size_t received_bytes) noexcept {
        const bool is_quick = leased_bytes_ == 0 && prepared_.count != 0 &&
                              fits_quick_lease(static_cast<std::ptrdiff_t>(received_bytes));
        if (!is_quick) [[unlikely]]
            return commit_by_the_books(account, received_bytes);
        Chunk chunk;
        commit_quickly(account, received_bytes, chunk);
        return chunk;
    }

    // The same without the questions, for who has asked them.

    [[nodiscard]] bool can_lease_quickly() const noexcept {
        return leased_bytes_ == 0 && free_records_ != nullptr && hot_ != nullptr;
    }
    [[nodiscard]] std::span<std::byte> prepare_quickly() noexcept {
        prepared_ = whole_run_;
        return offer();
    }
    /// Neither an error (negative) nor nothing nor more than a page.
    [[nodiscard]] static bool fits_quick_lease(std::ptrdiff_t received) noexcept {
        return static_cast<std::size_t>(received) - 1 < ChunkArena::page_bytes;
    }
    /// After prepare_quickly(), with `chunk` still empty.
    void commit_quickly(LeaseAccount& account, std::size_t received_bytes, Chunk& chunk) noexcept {
        std::byte* const memory = hot_->page(prepared_.first);
        poison(memory + received_bytes, prepared_.count * ChunkArena::page_bytes - received_bytes);
        prepared_ = {};
        quick_ = memory;
        quick_record_.owner = &account;
        quick_record_.leased_bytes = leased_bytes_ = ChunkArena::page_bytes;
        account.record_ = &quick_record_;
        chunk.data_ = memory;
        chunk.size_ = static_cast<std::uint32_t>(received_bytes);
    }
    /// For arenas: ends the noted lease, if it is the one at `memory`.
    [[nodiscard]] bool end_quick_lease(const std::byte* memory) noexcept {
        if (memory != quick_) return false;
        poison(memory, ChunkArena::page_bytes);
        quick_ = nullptr;
        leased_bytes_ = 0;
        if (quick_record_.owner != nullptr) quick_record_.owner->record_ = nullptr;
        return true;
    }

    /// True once after leases came back that may let a refused stream read; ask once a turn, then
    /// prepare again for every stream that was refused.
    [[nodiscard]] bool refused_may_retry() noexcept;

    /// Frees the spare arena as well: for a loop that goes to sleep for long.
    void trim() noexcept;
    /// Moves the pool to the calling thread, where from now on its chunks are released.
    void bind_to_this_thread() noexcept;

    [[nodiscard]] std::size_t leased_bytes() const noexcept { return leased_bytes_; }
    [[nodiscard]] std::size_t arena_bytes() const noexcept { return arena_bytes_; }

private:
    friend class ChunkArena;

    [[nodiscard]] std::span<std::byte> prepare_by_the_books(const LeaseAccount& account,
                                                            std::size_t least_bytes);
    [[nodiscard]] Chunk commit_by_the_books(LeaseAccount& account,
                                            std::size_t received_bytes) noexcept;
    [[nodiscard]] std::span<std::byte> offer() noexcept {
        const std::span<std::byte> run{hot_->page(prepared_.first),
                                       prepared_.count * ChunkArena::page_bytes};
        unpoison(run.data(), run.size());
        return run;
    }
    void enter_quick_lease() noexcept;
    [[nodiscard]] std::size_t allowance_bytes(std::size_t held_bytes) const noexcept;
    std::span<std::byte> refuse(const LeaseAccount& account) noexcept;
    void withdraw_prepared() noexcept;
    [[nodiscard]] PageRun choose_run(std::size_t wanted_pages);
    [[nodiscard]] PageRun search_arenas(std::size_t wanted_pages, std::size_t enough_pages);
    void add_arena();
    void free_arena(ChunkArena* arena) noexcept;
    void keep_one_spare(ChunkArena& unleased) noexcept;
    void lease_returned(ChunkArena& arena, LeaseRecord& record, std::size_t bytes) noexcept;
    void notice_room(LeaseRecord& record) noexcept;
    void reserve_record();
    [[nodiscard]] LeaseRecord& record_of(LeaseAccount& account) noexcept;
    void retire(LeaseRecord& record) noexcept;

    std::size_t leased_bytes_ = 0;
    LeaseRecord* free_records_ = nullptr;
    ChunkArena* hot_ = nullptr;  ///< where the last receive was prepared
    PageRun prepared_;           ///< in `hot_`
    PageRun whole_run_;          ///< what is offered while nothing is leased
    std::byte* quick_ = nullptr; ///< the noted lease, in `hot_`
    LeaseRecord quick_record_;
    ChunkLimits limits_;
    std::size_t arena_bytes_ = 0;
    ChunkArena* arenas_ = nullptr;
    ChunkArena* spare_ = nullptr; ///< the one arena that nobody leases
    std::size_t free_record_count_ = 0;
    bool loop_refused_ = false; ///< somebody was refused because of the loop's budget
    bool may_retry_ = false;
    ThreadMark thread_;
};

} // namespace tidemill::detail
