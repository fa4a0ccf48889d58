// What TLS streams hold for peers that do not read: bounded for each, and for the loop.
#include "tls/tls_pairs.hpp"
#include <deque>
#include <vector>

namespace tidemill {
namespace {

using namespace support;

constexpr std::size_t streams = 20;

std::uint64_t held_by(const TlsStream& stream) {
    const TlsEndBytes bytes = *stream.end_report().tls;
    return bytes.unsent + bytes.accepted - bytes.encrypted;
}

// Each writes more than its peer takes; gives what all of them hold then.
std::uint64_t held_by_all(std::size_t budget_bytes, bool is_read_afterwards) {
    LoopOptions options;
    options.pending_output_bytes = budget_bytes;
    LoopFixture fixture(options);
    const std::string much = pattern(more_than_fits);
    std::vector<std::pair<TlsTcp::Handle, TlsTcp::Handle>> pairs;
    std::deque<Pending<Result<void>>> writes;
    for (std::size_t i = 0; i < streams; ++i) {
        pairs.push_back(TlsTcp::connect(fixture));
        writes.emplace_back(fixture.loop, writing(*pairs.back().first, much));
    }
    fixture.settle();
    std::uint64_t held = 0;
    for (const auto& [near, far] : pairs) held += held_by(*near);
    if (!is_read_afterwards) return held;
    std::deque<Pending<std::string>> reads;
    for (const auto& [near, far] : pairs)
        reads.emplace_back(fixture.loop, reading_exactly(*far, much.size()));
    for (std::size_t i = 0; i < streams; ++i) {
        REQUIRE(fixture.turn_until([&] { return reads[i].is_done(); }));
        CHECK(*reads[i] == much);
        CHECK(writes[i].is_done());
    }
    return held;
}

TEST_CASE("the output that TLS streams hold is bounded for the loop, and nobody is stuck by that") {
    constexpr std::size_t record_bytes = 17 * 1024;
    constexpr std::size_t budget_bytes = 32 * 1024;
    // Who goes over the budget may have been below it before.
    constexpr std::size_t bound = budget_bytes + 64 * 1024 + streams * record_bytes;
    CHECK(held_by_all(budget_bytes, true) <= bound);
    const std::uint64_t without_budget = held_by_all(std::size_t{64} << 20, false);
    CHECK(without_budget > bound);
    CHECK(without_budget <= streams * (64 * 1024 + record_bytes));
}

} // namespace
} // namespace tidemill
