#include "tls/tls_loop.hpp"
#include "tls/tls_connection.hpp"

namespace tidemill::detail {

TlsLoop& TlsLoop::of(LoopCore& loop) {
    auto& extension = loop.extension(ExtensionSlot::tls);
    if (extension == nullptr) extension = std::make_unique<TlsLoop>(loop);
    return static_cast<TlsLoop&>(*extension);
}

void TlsLoop::make_room(TlsEngine::Output& output) {
    // A full pending output and the record that exceeds it, with the overhead of each record.
    constexpr std::size_t usual_bytes = 82 * 1024;
    output.reserve(usual_bytes);
}

std::unique_ptr<TlsLoop::Block> TlsLoop::take_block() {
    if (blocks_out_ >= most_blocks) loop_.flush_gathered();
    std::unique_ptr<Block> block;
    if (blocks_.empty()) {
        blocks_.reserve(blocks_out_ + 1); // so that giving back needs no memory
        block.reset(new Block);           // not cleared: it is filled before it is read
    } else {
        block = std::move(blocks_.back());
        blocks_.pop_back();
    }
    ++blocks_out_;
    return block;
}

void TlsLoop::give_back(std::unique_ptr<Block> block) noexcept {
    --blocks_out_;
    if (blocks_.size() < most_blocks && blocks_.size() < blocks_.capacity())
        blocks_.push_back(std::move(block));
}

// One place is looked at each time: if it is busy, the connection tries again with its next record.
std::size_t TlsLoop::warm_up(TlsConnection& connection) noexcept {
    const std::size_t place = warm_hand_;
    warm_hand_ = (warm_hand_ + 1) % most_warm;
    Warm& warm = warm_[place];
    const bool is_busy =
        warm.connection != nullptr && warm.last_turn + idle_turns > loop_.counters().turns;
    if (is_busy) return not_warm;
    if (warm.connection != nullptr) warm.connection->cool_down();
    warm.connection = &connection;
    connection.keep_buffers();
    return place;
}

bool TlsLoop::may_shake_hands(bool has_waited) noexcept {
    if (const std::uint64_t turn = loop_.counters().turns; turn != ration_turn_) {
        ration_turn_ = turn;
        ration_ = handshakes_per_turn;
    }
    if (waiting_ > 0 && !has_waited) return false;
    if (ration_ == 0) return false;
    --ration_;
    return true;
}

} // namespace tidemill::detail
