// Choosing pages, keeping to the budgets, and giving memory back.
//
// The hard case is a loop whose arenas are all pinned by a few pages each. Adding an arena for
// every larger receive would then grow without bound, taking only what the current arena still
// has would starve streams of data; so up to the budget an arena is added as soon as no free run
// is worth a system call, and beyond it the longest run anywhere is taken, however short.
#include "core/chunk_pool.hpp"

#include "core/poison.hpp"

#include <algorithm>
#include <utility>

namespace tidemill::detail {
namespace {

constexpr std::size_t page_bytes = ChunkArena::page_bytes;
/// A shorter run than this many pages makes it worth while to look elsewhere.
constexpr std::size_t good_run_pages = 16;
/// One receive takes at most this part of what is left of the loop's budget.
constexpr std::size_t budget_share = 8;
constexpr std::size_t max_free_records = 64;

std::size_t whole_pages(std::size_t bytes) noexcept {
    return std::max(page_bytes, bytes / page_bytes * page_bytes);
}

} // namespace

ChunkPool::ChunkPool(const ChunkLimits& limits) noexcept : thread_(current_thread()) {
    limits_.loop_bytes = whole_pages(limits.loop_bytes);
    limits_.stream_bytes = whole_pages(limits.stream_bytes);
    limits_.largest_receive_bytes = std::min(whole_pages(limits.largest_receive_bytes),
                                             ChunkArena::usable_pages.count * page_bytes);
    whole_run_ = {ChunkArena::usable_pages.first, allowance_bytes(0) / page_bytes};
}

ChunkPool::~ChunkPool() {
    enter_quick_lease();
    while (ChunkArena* const arena = arenas_) {
        arenas_ = arena->next;
        arena->orphan([this](LeaseRecord& record, std::size_t bytes) noexcept {
            record.leased_bytes -= bytes;
            if (record.leased_bytes == 0) retire(record);
        });
        if (arena->unleased()) ChunkArena::destroy(arena);
    }
    while (free_records_ != nullptr) delete std::exchange(free_records_, free_records_->next_free);
}

std::span<std::byte> ChunkPool::prepare_by_the_books(const LeaseAccount& account,
                                                     std::size_t least_bytes) {
    withdraw_prepared();
    enter_quick_lease();
    const bool may_wait = account.leased_bytes() != 0;
    const std::size_t allowed_bytes = allowance_bytes(account.leased_bytes());
    if (may_wait && allowed_bytes < least_bytes) return refuse(account);
    if (free_records_ == nullptr) reserve_record();
    const PageRun run = choose_run(allowed_bytes / page_bytes);
    if (may_wait && run.count * page_bytes < least_bytes) return refuse(account);
    if (account.record_ != nullptr) account.record_->refused = false;
    prepared_ = run;
    return offer();
}

// A record is free whenever a quick lease was made, and nothing takes it while the lease is quick.
void ChunkPool::enter_quick_lease() noexcept {
    if (quick_ == nullptr) return;
    LeaseRecord* const record = std::exchange(free_records_, free_records_->next_free);
    --free_record_count_;
    *record = quick_record_;
    if (record->owner != nullptr) record->owner->record_ = record;
    const auto page = static_cast<std::size_t>(quick_ - hot_->page(0)) / page_bytes;
    hot_->lease({page, 1}, *record);
    if (spare_ == hot_) spare_ = nullptr;
    quick_ = nullptr;
}

// Always whole pages. A result above one page never exceeds what is left of either budget; this
// and "one page to who holds none" is what the bound in the header rests on.
std::size_t ChunkPool::allowance_bytes(std::size_t held_bytes) const noexcept {
    const bool over_budget = leased_bytes_ >= limits_.loop_bytes;
    if (held_bytes != 0 && (over_budget || held_bytes >= limits_.stream_bytes)) return 0;
    if (over_budget) return page_bytes;
    const std::size_t share = whole_pages((limits_.loop_bytes - leased_bytes_) / budget_share);
    return std::min({limits_.largest_receive_bytes, share, limits_.stream_bytes - held_bytes});
}

// A stream within its budget is refused for what others hold, and any of their leases that returns
// may make the difference.
std::span<std::byte> ChunkPool::refuse(const LeaseAccount& account) noexcept {
    LeaseRecord& record = *account.record_;
    record.refused = true;
    if (leased_bytes_ >= limits_.loop_bytes || record.leased_bytes < limits_.stream_bytes)
        loop_refused_ = true;
    return {};
}

void ChunkPool::withdraw_prepared() noexcept {
    if (prepared_.count == 0) return;
    poison(hot_->page(prepared_.first), prepared_.count * page_bytes);
    prepared_ = {};
}

Chunk ChunkPool::commit_by_the_books(LeaseAccount& account, std::size_t received_bytes) noexcept {
    TIDEMILL_REQUIRE(received_bytes <= prepared_.count * page_bytes,
                     "a commit must follow its prepare and stay within what was prepared");
    if (received_bytes == 0) {
        withdraw_prepared();
        return {};
    }
    const PageRun run{prepared_.first, (received_bytes + page_bytes - 1) / page_bytes};
    std::byte* const memory = hot_->page(run.first);
    poison(memory + received_bytes, prepared_.count * page_bytes - received_bytes);
    prepared_ = {};
    LeaseRecord& record = record_of(account);
    hot_->lease(run, record);
    if (spare_ == hot_) spare_ = nullptr;
    record.leased_bytes += run.count * page_bytes;
    leased_bytes_ += run.count * page_bytes;
    return {memory, received_bytes, 0};
}

PageRun ChunkPool::choose_run(std::size_t wanted_pages) {
    const std::size_t enough_pages = std::min(wanted_pages, good_run_pages);
    if (hot_ != nullptr) {
        // Spelt out because it is every receive of a loop whose chunks live for one turn.
        if (hot_->unleased()) return {ChunkArena::usable_pages.first, wanted_pages};
        const PageRun run = hot_->free_pages().longest_run(wanted_pages);
        if (run.count >= enough_pages) return run;
    }
    return search_arenas(wanted_pages, enough_pages);
}

PageRun ChunkPool::search_arenas(std::size_t wanted_pages, std::size_t enough_pages) {
    PageRun best;
    ChunkArena* found = nullptr;
    for (ChunkArena* arena = arenas_; arena != nullptr; arena = arena->next) {
        if (arena->free_pages().count() <= best.count) continue;
        const PageRun run = arena->free_pages().longest_run(wanted_pages);
        if (run.count <= best.count) continue;
        best = run;
        found = arena;
        if (run.count == wanted_pages) break;
    }
    const bool may_grow = arena_bytes_ + ChunkArena::size_bytes <= limits_.loop_bytes;
    if (best.count == 0 || (best.count < enough_pages && may_grow)) {
        add_arena();
        return hot_->free_pages().longest_run(wanted_pages);
    }
    hot_ = found;
    return best;
}

void ChunkPool::add_arena() {
    ChunkArena* const arena = ChunkArena::create(*this, thread_);
    arena->next = arenas_;
    if (arenas_ != nullptr) arenas_->previous = arena;
    arenas_ = hot_ = arena;
    arena_bytes_ += ChunkArena::size_bytes;
    keep_one_spare(*arena);
}

void ChunkPool::free_arena(ChunkArena* arena) noexcept {
    if (arena->previous != nullptr) arena->previous->next = arena->next;
    if (arena->next != nullptr) arena->next->previous = arena->previous;
    if (arenas_ == arena) arenas_ = arena->next;
    if (hot_ == arena) hot_ = nullptr;
    if (spare_ == arena) spare_ = nullptr;
    arena_bytes_ -= ChunkArena::size_bytes;
    ChunkArena::destroy(arena);
}

// Never frees `hot_` while there is a choice: a receive may be prepared there.
void ChunkPool::keep_one_spare(ChunkArena& unleased) noexcept {
    if (spare_ == nullptr)
        spare_ = &unleased;
    else if (&unleased == hot_)
        free_arena(std::exchange(spare_, &unleased));
    else
        free_arena(&unleased);
}

void ChunkPool::trim() noexcept {
    withdraw_prepared();
    enter_quick_lease();
    if (spare_ != nullptr) free_arena(spare_);
}

void ChunkPool::bind_to_this_thread() noexcept {
    thread_ = current_thread();
    for (ChunkArena* arena = arenas_; arena != nullptr; arena = arena->next)
        arena->set_thread(thread_);
}

void ChunkPool::lease_returned(ChunkArena& arena, LeaseRecord& record, std::size_t bytes) noexcept {
    leased_bytes_ -= bytes;
    record.leased_bytes -= bytes;
    notice_room(record);
    if (record.leased_bytes == 0) retire(record);
    if (arena.unleased()) keep_one_spare(arena);
}

// A stream that was refused for its own budget may have to wait on for the loop's; its refusal
// becomes one of the loop then, or nobody would wake it.
void ChunkPool::notice_room(LeaseRecord& record) noexcept {
    if (record.refused && record.leased_bytes < limits_.stream_bytes) {
        record.refused = record.leased_bytes != 0;
        loop_refused_ = true;
        if (record.leased_bytes == 0) may_retry_ = true;
    }
    if (loop_refused_ && leased_bytes_ < limits_.loop_bytes) may_retry_ = true;
}

bool ChunkPool::refused_may_retry() noexcept {
    if (!may_retry_) return false;
    loop_refused_ = false;
    may_retry_ = false;
    return true;
}

// Taken before the receive, so that `commit` cannot fail with the bytes already in hand.
void ChunkPool::reserve_record() {
    free_records_ = new LeaseRecord;
    ++free_record_count_;
}

LeaseRecord& ChunkPool::record_of(LeaseAccount& account) noexcept {
    if (account.record_ != nullptr) return *account.record_;
    LeaseRecord* const record = std::exchange(free_records_, free_records_->next_free);
    --free_record_count_;
    *record = {.owner = &account};
    account.record_ = record;
    return *record;
}

void ChunkPool::retire(LeaseRecord& record) noexcept {
    if (record.owner != nullptr) record.owner->record_ = nullptr;
    if (free_record_count_ >= max_free_records) {
        delete &record;
        return;
    }
    record.next_free = std::exchange(free_records_, &record);
    ++free_record_count_;
}

} // namespace tidemill::detail
