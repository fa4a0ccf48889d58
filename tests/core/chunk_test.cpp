// Chunks: views of received bytes, and how long and on which thread they may live.
//
// Chunks are made here as the loop makes them, by prepare and commit; what the pool does with its
// memory is told in chunk_pool_test.cpp.
#include "core/chunk_pool.hpp"
#include "support/death.hpp"
#include "support/sanitizers.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <doctest/doctest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>

namespace {

using tidemill::Chunk;
using tidemill::detail::ChunkPool;
using tidemill::detail::LeaseAccount;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

Chunk received(ChunkPool& pool, LeaseAccount& account, std::string_view text) {
    const std::span<std::byte> offer = pool.prepare(account);
    REQUIRE(offer.size() >= text.size());
    std::memcpy(offer.data(), text.data(), text.size());
    return pool.commit(account, text.size());
}

std::size_t taken_as_span(std::span<const std::byte> bytes) { return bytes.size(); }

} // namespace

TEST_CASE("a chunk is two words that move and do not copy") {
    CHECK(sizeof(Chunk) == 16);
    CHECK_FALSE(std::is_copy_constructible_v<Chunk>);
    CHECK(std::is_nothrow_move_constructible_v<Chunk>);
    CHECK(std::is_nothrow_move_assignable_v<Chunk>);
}

TEST_CASE("a default chunk is empty, kept and harmless in every call") {
    Chunk chunk;
    chunk.remove_prefix(0);
    chunk.truncate(0);
    chunk.keep();
    CHECK(chunk.empty());
    CHECK(chunk.kept());
    CHECK(chunk.text().empty());
    CHECK(chunk.begin() == chunk.end());
    CHECK(Chunk::copy_of({}).empty());
}

TEST_CASE("a chunk shows its bytes as bytes, as text, as a range and as a span") {
    ChunkPool pool;
    LeaseAccount account;
    const Chunk chunk = received(pool, account, "high tide");
    CHECK(chunk.size() == 9);
    CHECK(chunk.text() == "high tide");
    CHECK(std::ranges::equal(chunk, bytes_of("high tide")));
    CHECK(std::ranges::equal(chunk.bytes(), bytes_of("high tide")));
    CHECK(taken_as_span(chunk) == 9);
    CHECK(taken_as_span(Chunk::copy_of(bytes_of("ebb"))) == 3);
}

TEST_CASE("what is cut off leaves the view and stays readable while the chunk is held") {
    ChunkPool pool;
    LeaseAccount account;
    for (const bool copied : {false, true}) {
        CAPTURE(copied);
        Chunk chunk = copied ? Chunk::copy_of(bytes_of("name: value;"))
                             : received(pool, account, "name: value;");
        const std::string_view name = chunk.text().substr(0, 4);
        const std::string_view end = chunk.text().substr(11);
        chunk.remove_prefix(6);
        chunk.truncate(5);
        CHECK(chunk.text() == "value");
        CHECK(name == "name");
        CHECK(end == ";");
        chunk.remove_prefix(5);
        CHECK(chunk.empty());
    }
    CHECK(pool.leased_bytes() == 0);
}

TEST_CASE("moving a chunk moves its lease, assigning releases the old one") {
    ChunkPool pool;
    LeaseAccount account;
    Chunk first = received(pool, account, "first");
    Chunk second = received(pool, account, "second");
    CHECK(pool.leased_bytes() == 8192);
    first = std::move(second);
    CHECK(first.text() == "second");
    CHECK(second.empty());
    CHECK(pool.leased_bytes() == 4096);
    Chunk third(std::move(first));
    CHECK(third.text() == "second");
    Chunk& itself = third;
    third = std::move(itself);
    CHECK(third.text() == "second");
    third = {};
    CHECK(pool.leased_bytes() == 0);
}

TEST_CASE("keeping a chunk returns its pages and leaves the bytes in view") {
    ChunkPool pool;
    LeaseAccount account;
    Chunk chunk = received(pool, account, "a long line: rest");
    chunk.remove_prefix(13);
    CHECK_FALSE(chunk.kept());
    chunk.keep();
    CHECK(chunk.kept());
    CHECK(chunk.text() == "rest");
    CHECK(pool.leased_bytes() == 0);
    CHECK(account.leased_bytes() == 0);
    const std::byte* const place = chunk.data();
    chunk.keep();
    CHECK(chunk.data() == place);
    Chunk spent = received(pool, account, "spent");
    spent.truncate(0);
    spent.keep();
    CHECK(spent.empty());
    CHECK(pool.leased_bytes() == 0);
}

TEST_CASE("a kept chunk may be released by any thread") {
    ChunkPool pool;
    LeaseAccount account;
    Chunk chunk = received(pool, account, "far");
    chunk.keep();
    std::thread([moved = std::move(chunk)] { CHECK(moved.text() == "far"); }).join();
    CHECK(pool.leased_bytes() == 0);
}

TEST_CASE("a chunk outlives its stream and its pool") {
    auto pool = std::make_unique<ChunkPool>();
    auto account = std::make_unique<LeaseAccount>();
    LeaseAccount longer;
    Chunk first = received(*pool, *account, "first");
    Chunk second = received(*pool, *account, "second");
    const Chunk third = received(*pool, longer, "third");
    account.reset();
    first = {};
    CHECK(pool->leased_bytes() == 8192);
    pool.reset();
    CHECK(longer.leased_bytes() == 0);
    CHECK(second.text() == "second");
    CHECK(third.text() == "third");
    second.keep();
    CHECK(second.text() == "second");
}

TEST_CASE("a lease that has ended is not counted again when the pool goes") {
    auto pool = std::make_unique<ChunkPool>();
    LeaseAccount account;
    Chunk two_pages = received(*pool, account, std::string(5000, 'x'));
    const Chunk one_page = received(*pool, account, "rest");
    two_pages = {};
    pool.reset();
    CHECK(account.leased_bytes() == 0);
    CHECK(one_page.text() == "rest");
}

TEST_CASE("an account that moves takes its leases along") {
    ChunkPool pool;
    std::optional<LeaseAccount> account(std::in_place);
    Chunk chunk = received(pool, *account, "cargo");
    LeaseAccount moved(std::move(*account));
    account.reset();
    CHECK(moved.leased_bytes() == 4096);
    chunk = {};
    CHECK(moved.leased_bytes() == 0);
}

TEST_CASE("misuse of a chunk stops the program and names the rule") {
    ChunkPool pool;
    LeaseAccount account;
    Chunk chunk = received(pool, account, "four");
    DIES_WITH("cannot lose more bytes than it has", [&] { chunk.remove_prefix(5); });
    DIES_WITH("cannot make a chunk longer", [&] { chunk.truncate(5); });
    DIES_WITH("released on the thread of its loop",
              [&] { std::thread([&] { chunk = {}; }).join(); });
    DIES_WITH("released on the thread of its loop", [&] {
        pool.bind_to_this_thread();
        std::thread([&] { pool.bind_to_this_thread(); }).join();
        chunk = {};
    });
}

TEST_CASE("the sanitizer sees memory of the pool that is used without a lease") {
    if (!tidemill::support::under_address_sanitizer) return;
    ChunkPool pool;
    LeaseAccount account;
    Chunk chunk = received(pool, account, "poison");
    const std::byte* const data = chunk.data();
    const auto read = [](const std::byte* byte) {
        const volatile std::byte value = *byte;
        static_cast<void>(value);
    };
    const auto report_of = [](const auto& use) {
        return tidemill::support::death_of(use).output.find("use-after-poison") !=
               std::string::npos;
    };
    CHECK_FALSE(report_of([&] { read(data + 5); }));
    CHECK(report_of([&] { read(data + 6); }));
    CHECK(report_of([&] {
        chunk = {};
        read(data);
    }));
    CHECK(report_of([&] {
        chunk.keep();
        read(data);
    }));
    CHECK(report_of([&] {
        const std::span<std::byte> offer = pool.prepare(account);
        static_cast<void>(pool.commit(account, 0));
        read(offer.data());
    }));
    CHECK_FALSE(report_of([&] {
        const std::span<std::byte> offer = pool.prepare(account);
        std::ranges::fill(offer, std::byte{1});
    }));
}
