// What the TLS connections of one loop share: buffers for output, and the ration of handshakes.
//
// A connection needs a buffer only between a write and the flush of that turn, so a few serve all
// of them, and those few stay in the cache. What OpenSSL needs for a record it would ask for and
// give back with each record, which costs a twentieth of a small message: the busiest keep it. A
// handshake costs as much as a hundred messages, so a crowd of them takes turns: the rest of the
// loop runs in between.
#pragma once

#include "core/loop_core.hpp"
#include <array>
#include <cstddef>
#include <memory>
#include <tidemill/tls/tls_engine.hpp>
#include <vector>

namespace tidemill::detail {

class TlsConnection;

class TlsLoop final : public LoopExtension {
public:
    /// The plain text of a record to be.
    using Block = std::array<std::byte, TlsEngine::largest_write_bytes>;

    static constexpr unsigned handshakes_per_turn = 2;
    static constexpr std::size_t most_blocks = 64;
    static constexpr std::size_t most_warm = 64;
    static constexpr std::uint64_t idle_turns = 1024;
    static constexpr std::size_t not_warm = most_warm;

    explicit TlsLoop(LoopCore& loop) noexcept : loop_(loop) {}
    /// Of this loop, made on first use. Throws std::bad_alloc.
    [[nodiscard]] static TlsLoop& of(LoopCore& loop);

    /// Gives an output that has none room for what is usually sent at once. Throws std::bad_alloc.
    void take_room(TlsEngine::Output& output) {
        if (spare_outputs_ == 0) return make_room(output);
        output.swap(outputs_[--spare_outputs_]);
    }
    /// Takes it back, with what is in it.
    void give_back_room(TlsEngine::Output& output) noexcept {
        output.clear();
        if (output.capacity() == 0) return;
        if (spare_outputs_ == most_spare_outputs) return TlsEngine::Output().swap(output);
        output.swap(outputs_[spare_outputs_++]);
    }
    /// When too many are out, everybody is flushed first. Throws std::bad_alloc.
    [[nodiscard]] std::unique_ptr<Block> take_block();
    void give_back(std::unique_ptr<Block> block) noexcept;

    /// Whether a step of a handshake may be taken in this turn; who has `waited` for it goes first.
    [[nodiscard]] bool may_shake_hands(bool has_waited) noexcept;
    void one_waits() noexcept { ++waiting_; }
    void one_waits_no_more() noexcept { --waiting_; }

    /// A connection at work. So many may keep their buffers between records; one that has not
    /// worked for a while makes room for another. `place` is the connection's own note.
    void at_work(TlsConnection& connection, std::size_t& place) noexcept {
        if (place == not_warm) [[unlikely]]
            place = warm_up(connection);
        if (place != not_warm) warm_[place].last_turn = loop_.counters().turns;
    }
    void leave_warm(std::size_t place) noexcept {
        if (place != not_warm) warm_[place] = {};
    }

    /// Output that some stream cannot send has become more, or less.
    void stuck_changed(std::size_t before, std::size_t now) noexcept {
        stuck_bytes_ = stuck_bytes_ - before + now;
    }
    [[nodiscard]] bool is_over_budget() const noexcept {
        return stuck_bytes_ > loop_.options().pending_output_bytes;
    }

    void on_loop_gone() noexcept override {}

private:
    static constexpr std::size_t most_spare_outputs = 4;

    struct Warm {
        TlsConnection* connection = nullptr;
        std::uint64_t last_turn = 0;
    };
    [[nodiscard]] std::size_t warm_up(TlsConnection& connection) noexcept;
    static void make_room(TlsEngine::Output& output);

    LoopCore& loop_;
    std::array<Warm, most_warm> warm_;
    std::size_t warm_hand_ = 0;
    std::array<TlsEngine::Output, most_spare_outputs> outputs_;
    std::size_t spare_outputs_ = 0;
    std::vector<std::unique_ptr<Block>> blocks_;
    std::size_t blocks_out_ = 0;
    std::size_t stuck_bytes_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t ration_turn_ = 0;
    unsigned ration_ = 0;
};

} // namespace tidemill::detail
