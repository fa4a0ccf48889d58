// What lies between the two ends of an in-memory stream pair.
//
// Each end may go before the other, so neither owns the link: both share it. An end that was closed
// while the other goes on lingers here, as a closed socket does in the loop's linger set: what
// still comes is discarded within the loop's limits, and beyond them the other end sees a reset.
#pragma once

#include "core/loop_core.hpp"
#include <array>
#include <tidemill/testing/memory_stream.hpp>
#include <vector>

namespace tidemill::detail {

/// One direction: a bounded ring of bytes and how it ends.
class MemoryPipe {
public:
    explicit MemoryPipe(std::size_t capacity_bytes) : ring_(capacity_bytes) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t room() const noexcept { return ring_.size() - size_; }
    /// Gives how many bytes were put, as many as there is room for.
    std::size_t put(std::span<const std::byte> bytes) noexcept;
    /// Gives how many bytes were taken.
    std::size_t take(std::span<std::byte> into) noexcept;
    std::size_t discard() noexcept { return std::exchange(size_, 0); }

    bool is_ended = false; ///< nothing follows what it holds
    bool is_reset = false; ///< its writer is gone, whether it has ended or not

private:
    std::vector<std::byte> ring_;
    std::size_t begin_ = 0;
    std::size_t size_ = 0;
};

class MemoryLink final : private TimerNode {
public:
    using End = testing::MemoryStream;

    MemoryLink(LoopCore& loop, const testing::PairOptions& options);
    ~MemoryLink();

    /// What `side` writes.
    [[nodiscard]] MemoryPipe& pipe_from(std::size_t side) noexcept { return pipes_[side]; }
    [[nodiscard]] std::size_t largest_transfer_bytes() const noexcept {
        return options_.largest_transfer_bytes;
    }
    void join(std::size_t side, End& end) noexcept { turns_[side].end = &end; }
    /// The end of `side` transfers what it can in the loop's step 7.
    void serve_later(std::size_t side) noexcept;

    /// `side` has gone and is heard no more.
    void leave(std::size_t side) noexcept;
    /// `side` has gone and lingers; false if a limit of the loop refuses that.
    [[nodiscard]] bool linger(std::size_t side) noexcept;
    [[nodiscard]] bool lingers(std::size_t side) const noexcept { return lingering_ == side; }
    /// Bytes for the side that lingers.
    void discard(std::size_t bytes) noexcept;
    /// The other side has ended, which is what the lingering one waits for.
    void end_linger(bool with_reset) noexcept;
    void loop_is_gone() noexcept;

private:
    struct Turn final : Deferred {
        void run_deferred() noexcept override;
        End* end = nullptr;
    };
    static constexpr std::size_t nobody = 2;

    void on_timer() noexcept override { end_linger(true); }

    LoopCore* loop_;
    testing::PairOptions options_;
    std::array<MemoryPipe, 2> pipes_;
    std::array<Turn, 2> turns_;
    std::size_t lingering_ = nobody;
    std::size_t discarded_bytes_ = 0;
};

} // namespace tidemill::detail
