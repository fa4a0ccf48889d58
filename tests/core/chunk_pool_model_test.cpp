// The chunk pool against a naive model, over random sequences of calls.
//
// The model is a list of leases. Every offer is overwritten whole, as a receive might do, and every
// chunk carries a pattern, so that two leases of one page show as damaged bytes; the bounds on
// leased and on held memory are checked after each call.
#include "core/chunk_pool.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace {

using tidemill::Chunk;
using tidemill::ChunkLimits;
using tidemill::detail::ChunkArena;
using tidemill::detail::ChunkPool;
using tidemill::detail::LeaseAccount;

constexpr std::size_t page = ChunkArena::page_bytes;
constexpr std::size_t arena = ChunkArena::size_bytes;

/// A stream of the model. Its record of leases goes on when the stream itself is replaced.
struct Stream {
    std::unique_ptr<LeaseAccount> account = std::make_unique<LeaseAccount>();
    int incarnation = 0;
    bool waiting = false;
};

struct Held {
    Chunk chunk;
    int incarnation;
    std::size_t leased;
    unsigned char pattern;
    // By the C library, whose accesses a sanitizer checks at once instead of byte by byte.
    bool intact() const {
        return chunk.empty() ||
               (*chunk.data() == std::byte{pattern} &&
                std::memcmp(chunk.data(), chunk.data() + 1, chunk.size() - 1) == 0);
    }
};

class Comparison {
public:
    Comparison(unsigned seed, const ChunkLimits& limits)
        : random_(seed), limits_(limits), pool_(std::make_unique<ChunkPool>(limits)) {
        for (Stream& stream : streams_) stream.incarnation = next_incarnation_++;
    }

    void step() {
        switch (pick(16)) {
        case 0: keep(); break;
        case 1: cut(); break;
        case 2: replace(any_stream()); break;
        case 3: retry(); break;
        case 4:
            if (pick(20) == 0) pool_->trim();
            break;
        case 5:
            if (pick(200) == 0) held_.clear(), leased_.clear(), leased_sum_ = 0;
            break;
        default: pick(100) < fill_percent_ ? receive(any_stream()) : release();
        }
        if (pick(1000) == 0) fill_percent_ = 30 + 30 * pick(3);
        check_bounds();
    }

    void end(bool pool_first) {
        if (pool_first) pool_.reset();
        for (const Held& held : held_) agree(held.intact());
        held_.clear();
        if (!pool_) return;
        agree(pool_->leased_bytes() == 0);
        agree(pool_->arena_bytes() <= arena);
    }

    int disagreements = 0;
    std::size_t refusals = 0, receives = 0;

private:
    void agree(bool claim) {
        if (!claim) ++disagreements;
    }
    std::size_t pick_size(std::size_t count) { return random_() % count; }
    int pick(int count) { return static_cast<int>(pick_size(static_cast<std::size_t>(count))); }
    Stream& any_stream() { return streams_[pick_size(streams_.size())]; }
    std::size_t held_by(int incarnation) const {
        const auto found = leased_.find(incarnation);
        return found == leased_.end() ? 0 : found->second;
    }
    bool allowed(const Stream& stream) const {
        const std::size_t own = held_by(stream.incarnation);
        return own == 0 || (leased_sum_ < limits_.loop_bytes && own < limits_.stream_bytes);
    }

    void receive(Stream& stream) {
        const std::span<std::byte> offer = pool_->prepare(*stream.account);
        agree(!offer.empty() == allowed(stream));
        stream.waiting = offer.empty();
        if (offer.empty()) {
            ++refusals;
            return;
        }
        ++receives;
        // All of it is written, as a receive might, so that an overlap damages somebody's bytes.
        std::memset(offer.data(), 0, offer.size());
        if (pick(4) == 0 && !held_.empty()) release();
        const std::size_t most = pick(2) == 0 ? offer.size() : std::min(offer.size(), page);
        commit(stream, offer, pick_size(most + 1));
    }
    void commit(Stream& stream, std::span<std::byte> offer, std::size_t bytes) {
        const auto pattern = static_cast<unsigned char>(1 + pick(255));
        std::memset(offer.data(), pattern, bytes);
        Chunk chunk = pool_->commit(*stream.account, bytes);
        agree(chunk.size() == bytes);
        if (bytes == 0) return;
        const std::size_t leased = (bytes + page - 1) / page * page;
        leased_[stream.incarnation] += leased;
        leased_sum_ += leased;
        agree(held_by(stream.incarnation) <= limits_.stream_bytes);
        held_.push_back({std::move(chunk), stream.incarnation, leased, pattern});
    }
    void forget_lease(Held& held) {
        if ((leased_[held.incarnation] -= held.leased) == 0) leased_.erase(held.incarnation);
        leased_sum_ -= held.leased;
        held.leased = 0;
    }
    void release() {
        if (held_.empty()) return;
        std::swap(held_[pick_size(held_.size())], held_.back());
        agree(held_.back().intact());
        if (held_.back().leased != 0) forget_lease(held_.back());
        held_.pop_back();
    }
    void keep() {
        if (held_.empty()) return;
        Held& held = held_[pick_size(held_.size())];
        held.chunk.keep();
        agree(held.intact() && held.chunk.kept());
        if (held.leased != 0) forget_lease(held);
    }
    void cut() {
        if (held_.empty()) return;
        Chunk& chunk = held_[pick_size(held_.size())].chunk;
        chunk.remove_prefix(pick_size(chunk.size() + 1));
        chunk.truncate(chunk.size() - pick_size(chunk.size() + 1));
    }
    void replace(Stream& stream) {
        if (pick(4) == 0) {
            auto moved = std::make_unique<LeaseAccount>(std::move(*stream.account));
            stream.account = std::move(moved);
        } else if (pick(8) == 0) {
            stream = {std::make_unique<LeaseAccount>(), next_incarnation_++, false};
        }
    }
    void retry() {
        if (!pool_->refused_may_retry()) {
            for (const Stream& stream : streams_) agree(!stream.waiting || !allowed(stream));
            return;
        }
        for (Stream& stream : streams_)
            if (stream.waiting) receive(stream);
    }
    void check_bounds() {
        agree(pool_->leased_bytes() == leased_sum_);
        agree(leased_sum_ <= limits_.loop_bytes + leased_.size() * page);
        most_holders_ = std::max(most_holders_, leased_.size());
        const std::size_t bound = limits_.loop_bytes + most_holders_ * page;
        agree(pool_->arena_bytes() <= bound + bound / 127 + arena);
        const Stream& stream = any_stream();
        agree(stream.account->leased_bytes() == held_by(stream.incarnation));
    }

    std::mt19937_64 random_;
    ChunkLimits limits_;
    std::unique_ptr<ChunkPool> pool_;
    std::array<Stream, 40> streams_;
    std::vector<Held> held_;
    std::map<int, std::size_t> leased_; // by incarnation, living or not
    std::size_t leased_sum_ = 0;
    std::size_t most_holders_ = 0;
    int next_incarnation_ = 0;
    int fill_percent_ = 50;
};

} // namespace

TEST_CASE("the pool agrees with a naive model over any sequence of calls") {
    const ChunkLimits tight{.loop_bytes = 256 << 10, .stream_bytes = 32 << 10};
    const ChunkLimits wide{.loop_bytes = 1 << 20, .stream_bytes = 256 << 10};
    for (const ChunkLimits& limits : {tight, wide}) {
        for (const unsigned seed : {1U, 2U, 3U, 4U}) {
            CAPTURE(limits.loop_bytes);
            CAPTURE(seed);
            Comparison comparison(seed, limits);
            for (int i = 0; i < 20'000 && comparison.disagreements == 0; ++i) comparison.step();
            comparison.end(seed % 2 == 0);
            CHECK(comparison.disagreements == 0);
            CHECK(comparison.receives > 1000);
            CHECK(comparison.refusals > 100);
        }
    }
}
