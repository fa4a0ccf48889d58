#include "testing/memory_link.hpp"
#include <algorithm>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

std::size_t MemoryPipe::put(std::span<const std::byte> bytes) noexcept {
    const std::size_t count = std::min(bytes.size(), room());
    const std::size_t at = (begin_ + size_) % ring_.size();
    const std::size_t before_wrap = std::min(count, ring_.size() - at);
    std::copy_n(bytes.begin(), before_wrap, ring_.data() + at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(before_wrap), count - before_wrap,
                ring_.data());
    size_ += count;
    return count;
}

std::size_t MemoryPipe::take(std::span<std::byte> into) noexcept {
    const std::size_t count = std::min(into.size(), size_);
    const std::size_t before_wrap = std::min(count, ring_.size() - begin_);
    std::copy_n(ring_.data() + begin_, before_wrap, into.data());
    std::copy_n(ring_.data(), count - before_wrap, into.data() + before_wrap);
    begin_ = (begin_ + count) % ring_.size();
    size_ -= count;
    return count;
}

MemoryLink::MemoryLink(LoopCore& loop, const testing::PairOptions& options)
    : loop_(&loop), options_(options), pipes_{MemoryPipe(options.capacity_bytes),
                                              MemoryPipe(options.capacity_bytes)} {
    TIDEMILL_REQUIRE(options.capacity_bytes > 0 && options.largest_transfer_bytes > 0,
                     "a stream pair needs room for a byte, and transfers of one at least");
}

MemoryLink::~MemoryLink() { end_linger(false); }

void MemoryLink::Turn::run_deferred() noexcept {
    if (end != nullptr) end->serve(); // may destroy both ends, and this link
}

void MemoryLink::serve_later(std::size_t side) noexcept {
    if (loop_ != nullptr && turns_[side].end != nullptr) loop_->defer(turns_[side]);
}

void MemoryLink::leave(std::size_t side) noexcept {
    pipes_[side].is_reset = true;
    static_cast<void>(pipes_[1 - side].discard());
    turns_[side].end = nullptr;
    if (lingering_ != nobody) return end_linger(false);
    serve_later(1 - side);
}

bool MemoryLink::linger(std::size_t side) noexcept {
    if (loop_->counters().lingering >= loop_->options().lingering_streams) {
        ++loop_->counters().linger_aborts;
        return false;
    }
    pipes_[side].is_ended = true;
    if (lingering_ != nobody || pipes_[1 - side].is_ended) { // both have ended: nothing to wait for
        leave(side);
        return true;
    }
    turns_[side].end = nullptr;
    lingering_ = side;
    ++loop_->counters().lingering;
    loop_->wheel().arm(*this, loop_->moment_after(loop_->options().linger_timeout.count()));
    serve_later(1 - side);
    discard(pipes_[1 - side].discard());
    return true;
}

void MemoryLink::discard(std::size_t bytes) noexcept {
    discarded_bytes_ += bytes;
    if (discarded_bytes_ > loop_->options().linger_bytes) end_linger(true);
}

void MemoryLink::end_linger(bool with_reset) noexcept {
    if (lingering_ == nobody) return;
    const std::size_t side = std::exchange(lingering_, nobody);
    pipes_[side].is_reset = true;
    if (loop_ == nullptr) return;
    loop_->wheel().cancel(*this);
    --loop_->counters().lingering;
    if (with_reset) ++loop_->counters().linger_aborts;
    serve_later(1 - side);
}

void MemoryLink::loop_is_gone() noexcept {
    if (loop_ == nullptr) return;
    end_linger(true); // the loop aborts what lingers
    loop_ = nullptr;
    for (Turn& turn : turns_) turn.leave();
}

} // namespace tidemill::detail
