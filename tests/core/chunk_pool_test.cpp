// The receive memory of a loop: what it offers, what it bounds and what it gives back.
#include "core/chunk_pool.hpp"
#include "support/death.hpp"

#include <algorithm>
#include <deque>
#include <doctest/doctest.h>
#include <random>
#include <vector>

namespace {

using tidemill::Chunk;
using tidemill::ChunkLimits;
using tidemill::detail::ChunkArena;
using tidemill::detail::ChunkPool;
using tidemill::detail::LeaseAccount;
using tidemill::detail::PageMask;
using tidemill::detail::PageRun;

constexpr std::size_t page = 4096;
constexpr std::size_t arena = ChunkArena::size_bytes;
constexpr std::size_t whole_arena = arena - page;

Chunk take(ChunkPool& pool, LeaseAccount& account, std::size_t bytes) {
    REQUIRE(pool.prepare(account).size() >= bytes);
    return pool.commit(account, bytes);
}

/// Leases until `bytes` are out, in receives as large as the pool offers.
std::vector<Chunk> take_in_all(ChunkPool& pool, LeaseAccount& account, std::size_t bytes) {
    std::vector<Chunk> taken;
    for (const std::size_t start = pool.leased_bytes(); pool.leased_bytes() < start + bytes;) {
        const std::size_t offer = pool.prepare(account).size();
        REQUIRE(offer > 0);
        taken.push_back(pool.commit(account, std::min(offer, start + bytes - pool.leased_bytes())));
    }
    return taken;
}

} // namespace

TEST_CASE("the longest run of a page mask is found wherever it lies") {
    struct Case {
        const char* name;
        std::vector<PageRun> members;
        std::size_t wanted;
        PageRun found;
    };
    const Case cases[] = {
        {"nothing", {}, 1, {0, 0}},
        {"everything", {{0, 128}}, 128, {0, 128}},
        {"the first that suffices", {{3, 2}, {10, 5}, {20, 9}}, 4, {10, 4}},
        {"the longest if none suffices", {{3, 2}, {10, 5}, {20, 4}}, 6, {10, 5}},
        {"across the words", {{60, 9}}, 9, {60, 9}},
        {"the first word whole", {{0, 64}}, 100, {0, 64}},
        {"the second word whole", {{64, 64}}, 100, {64, 64}},
        {"the last page", {{127, 1}}, 1, {127, 1}},
        {"the ends of the words", {{63, 1}, {64, 1}}, 5, {63, 2}},
    };
    for (const Case& c : cases) {
        SUBCASE(c.name) {
            PageMask mask;
            for (const PageRun& run : c.members) mask.add(run);
            const PageRun found = mask.longest_run(c.wanted);
            CHECK(found.count == c.found.count);
            CHECK((found.count == 0 || found.first == c.found.first));
            for (const PageRun& run : c.members) mask.remove(run);
            CHECK(mask == PageMask{});
        }
    }
}

TEST_CASE("a receive leases exactly the pages that its bytes fill") {
    ChunkPool pool;
    LeaseAccount account;
    struct Case {
        std::size_t bytes, leased;
    };
    for (const Case c : {Case{1, page}, Case{page, page}, Case{page + 1, 2 * page},
                         Case{65'536, 65'536}, Case{whole_arena, whole_arena}}) {
        CAPTURE(c.bytes);
        const Chunk chunk = take(pool, account, c.bytes);
        CHECK(chunk.size() == c.bytes);
        CHECK(pool.leased_bytes() == c.leased);
        CHECK(account.leased_bytes() == c.leased);
    }
    CHECK(pool.leased_bytes() == 0);
    CHECK(pool.commit(account, 0).empty());
    CHECK(pool.arena_bytes() == arena);
}

TEST_CASE("a stream that holds leases waits for as much as it needs, and hears of any return") {
    constexpr std::size_t needed = 4 * page;
    ChunkPool pool(ChunkLimits{.loop_bytes = 64 * page});
    LeaseAccount small;
    LeaseAccount large;
    const Chunk held = take(pool, small, 1);
    std::vector<Chunk> most = take_in_all(pool, large, 40 * page);
    CHECK(pool.prepare(small, needed).empty()); // an eighth of what is left is less
    CHECK_FALSE(pool.refused_may_retry());
    most.clear();
    CHECK(pool.refused_may_retry());
    CHECK(pool.prepare(small, needed).size() >= needed);
    LeaseAccount empty;
    CHECK(pool.prepare(empty, 1000 * page).size() >= page); // who holds nothing never waits
}

TEST_CASE("while one chunk at a time is out, all receives use the same page") {
    ChunkPool pool;
    LeaseAccount account;
    const std::byte* const place = take(pool, account, 64).data();
    for (int i = 0; i < 100; ++i) CHECK(take(pool, account, 64).data() == place);
}

TEST_CASE("an idle pool has no memory, a used one keeps one arena, a trimmed one none") {
    ChunkPool pool;
    LeaseAccount account;
    CHECK(pool.arena_bytes() == 0);
    static_cast<void>(take(pool, account, 1));
    CHECK(pool.arena_bytes() == arena);
    pool.trim();
    CHECK(pool.arena_bytes() == 0);
    const Chunk held = take(pool, account, 1);
    pool.trim();
    CHECK(pool.arena_bytes() == arena);
}

TEST_CASE("an offer is an eighth of what the loop's budget has left, one page at least") {
    ChunkPool pool({.loop_bytes = 1 << 20, .stream_bytes = 1 << 20});
    LeaseAccount account, other;
    CHECK(pool.prepare(account).size() == (1 << 17));
    const auto held = take_in_all(pool, account, 1 << 19);
    CHECK(pool.prepare(other).size() == (1 << 16));
    const auto more = take_in_all(pool, other, (1 << 19) - 2 * page);
    CHECK(pool.prepare(other).size() == page);
}

TEST_CASE("an offer is never more than the largest receive") {
    LeaseAccount account;
    ChunkPool usual, modest({.largest_receive_bytes = 20'000});
    CHECK(usual.prepare(account).size() == whole_arena);
    CHECK(modest.prepare(account).size() == 16'384);
}

TEST_CASE("limits below a page count as one page") {
    ChunkPool pool({.loop_bytes = 0, .stream_bytes = 0, .largest_receive_bytes = 0});
    LeaseAccount account;
    const Chunk chunk = take(pool, account, page);
    CHECK(pool.prepare(account).empty());
}

TEST_CASE("over the loop's budget only streams without leases are read, by the page") {
    ChunkPool pool({.loop_bytes = 256 << 10});
    LeaseAccount holder, newcomer;
    std::vector<Chunk> held = take_in_all(pool, holder, 256 << 10);
    CHECK(pool.prepare(holder).empty());
    CHECK_FALSE(pool.refused_may_retry());
    CHECK(pool.prepare(newcomer).size() == page);
    Chunk first = pool.commit(newcomer, page);
    CHECK(pool.prepare(newcomer).empty());
    SUBCASE("who has returned everything may retry though others hold the budget") {
        first = {};
        CHECK(pool.refused_may_retry());
        CHECK_FALSE(pool.refused_may_retry());
        CHECK(pool.prepare(newcomer).size() == page);
        CHECK(pool.prepare(holder).empty());
    }
    SUBCASE("what brings the loop under its budget lets everybody retry") {
        held.erase(held.begin());
        CHECK(pool.refused_may_retry());
        CHECK_FALSE(pool.prepare(holder).empty());
        CHECK_FALSE(pool.prepare(newcomer).empty());
        held.clear();
        CHECK_FALSE(pool.refused_may_retry());
    }
}

TEST_CASE("over its own budget a stream waits for its own leases") {
    ChunkPool pool({.stream_bytes = 64 << 10});
    LeaseAccount greedy, other;
    std::vector<Chunk> held = take_in_all(pool, greedy, 64 << 10);
    Chunk elsewhere = take(pool, other, 1);
    CHECK(pool.prepare(greedy).empty());
    elsewhere = {};
    CHECK_FALSE(pool.refused_may_retry());
    held.clear();
    CHECK(pool.refused_may_retry());
    CHECK(pool.prepare(greedy).size() == (64 << 10));
}

TEST_CASE("a stream that was refused for itself also hears of the loop's budget") {
    ChunkPool pool({.loop_bytes = 128 << 10, .stream_bytes = 64 << 10});
    LeaseAccount greedy, second, third;
    std::vector<Chunk> held;
    while (greedy.leased_bytes() < (64 << 10)) held.push_back(take(pool, greedy, page));
    CHECK(pool.prepare(greedy).empty());
    const std::vector<Chunk> theirs = take_in_all(pool, second, 64 << 10);
    Chunk beyond = take(pool, third, page);
    held.pop_back();
    CHECK_FALSE(pool.refused_may_retry());
    CHECK(pool.prepare(second).empty());
    beyond = {};
    CHECK(pool.refused_may_retry());
    CHECK_FALSE(pool.prepare(greedy).empty());
}

TEST_CASE("small messages that are held pin pages, not arenas") {
    ChunkPool pool;
    std::deque<LeaseAccount> streams(127 * 4);
    std::vector<Chunk> held;
    for (LeaseAccount& stream : streams) held.push_back(take(pool, stream, 64));
    CHECK(pool.arena_bytes() <= 5 * arena);
}

TEST_CASE("a thousand streams that lease and never return are bounded, then all memory returns") {
    const ChunkLimits limits{.loop_bytes = 4 << 20, .stream_bytes = 256 << 10};
    ChunkPool pool(limits);
    constexpr std::size_t stream_count = 1000;
    std::deque<LeaseAccount> streams(stream_count);
    std::vector<Chunk> held;
    for (int round = 0; round < 20; ++round)
        for (LeaseAccount& stream : streams)
            if (const std::size_t offer = pool.prepare(stream).size())
                held.push_back(pool.commit(stream, offer));
    const std::size_t bound = limits.loop_bytes + stream_count * page;
    CHECK(std::ranges::all_of(streams, [](const auto& s) { return s.leased_bytes() > 0; }));
    CHECK(pool.leased_bytes() <= bound);
    CHECK(pool.arena_bytes() <= bound + bound / 127 + arena);
    std::shuffle(held.begin(), held.end(), std::mt19937(5));
    held.clear();
    CHECK(pool.leased_bytes() == 0);
    CHECK(pool.arena_bytes() == arena);
    CHECK(pool.refused_may_retry());
}

TEST_CASE("a commit beyond what was prepared stops the program") {
    ChunkPool pool({.loop_bytes = 1 << 20});
    LeaseAccount account;
    const std::size_t offer = pool.prepare(account).size();
    DIES_WITH("must follow its prepare", [&] { (void)pool.commit(account, offer + 1); });
    static_cast<void>(pool.commit(account, 1));
    DIES_WITH("must follow its prepare", [&] { (void)pool.commit(account, 1); });
}
