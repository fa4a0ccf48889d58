// When the waits of a stream expire: two moments and one timer.
//
// A later moment is only stored; the timer finds it when it fires for the old one. An earlier one
// re-arms at once. That is what keeps a deadline on every read nearly free, and one timer node in
// place of two saves 32 bytes for each stream.
#pragma once

#include <cstdint>
#include <limits>
#include <tidemill/core/clock.hpp>
#include <tidemill/core/packed_error.hpp>
#include <tidemill/core/timer_node.hpp>

namespace tidemill::detail {

class LoopCore;

class StreamDeadlines {
public:
    /// Which waits have expired.
    struct Expired {
        bool read = false;
        bool write = false;
    };

    void set_idle_timeout(Duration idle_timeout) noexcept;
    void set_write_stall_timeout(Duration write_stall_timeout) noexcept;

    /// A read begins to wait; the default deadline means the idle limit. Inlined by
    /// net/start_read.hpp.
    void start_read(LoopCore& loop, TimerNode& timer, Deadline deadline) noexcept;
    /// A write begins to wait; the default deadline means the stall limit.
    void start_write(LoopCore& loop, TimerNode& timer, Deadline deadline) noexcept;
    /// A graceful close begins to wait for the peer's end; no other limit counts for it.
    void start_close(LoopCore& loop, TimerNode& timer, Deadline deadline) noexcept;
    /// The waiting write has sent something: a stall limit starts anew.
    void write_has_progressed(LoopCore& loop) noexcept {
        if (stall_limited_) restart_stall_limit(loop);
    }
    /// From now on no read may wait for longer than this, whatever deadline it was given.
    void limit_quiet(LoopCore* loop, TimerNode& timer, bool is_reading, Duration quiet) noexcept;

    /// The timer has fired. Tells which of the directions that wait have expired, each of them
    /// once, and arms the timer for the other.
    [[nodiscard]] Expired take_expired(LoopCore& loop, TimerNode& timer, bool is_reading,
                                       bool is_writing) noexcept;

    /// The wait of one direction ended early, by cancellation or with its task.
    void read_was_left() noexcept { read_moment_ = left; }
    void write_was_left() noexcept { write_moment_ = left; }
    void write_has_expired() noexcept { write_moment_ = expired; }
    /// How the last wait ended early: `Errc::deadline_expired`, `Errc::cancelled`, or nothing if it
    /// did not. A direction that has not had to wait since counts with its last wait.
    [[nodiscard]] PackedError last_wait() const noexcept;

private:
    // Moments that stand for how the last wait of a direction ended early; the next one overwrites
    // them, so that they cost the way of a message nothing.
    static constexpr std::int64_t expired = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t left = expired + 1;
    static constexpr std::int64_t no_moment = std::numeric_limits<std::int64_t>::max();
    static void arm(LoopCore& loop, TimerNode& timer, std::int64_t moment) noexcept;
    void restart_stall_limit(LoopCore& loop) noexcept;

    std::int64_t read_moment_ = no_moment; ///< when the waiting read expires
    std::int64_t write_moment_ = no_moment;
    std::uint32_t idle_ms_ = 0;
    std::uint32_t write_stall_ms_ = 60'000;
    std::uint32_t quiet_ms_ = 0;
    bool stall_limited_ = false; ///< progress of the waiting write extends its limit
};

} // namespace tidemill::detail
