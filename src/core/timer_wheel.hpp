// A hierarchical timer wheel: a million timers at O(1) each to arm and to cancel, no allocation.
//
// Time counts in ticks of 1 ms. Level L has 64 slots of 64^L ticks each. A node lies on the level
// of the highest base-64 digit in which its tick differs from the current tick, in the slot of
// that digit. From this single rule follows all that the code relies on:
//   - every occupied slot lies ahead of the current digit, so the lowest set bit of a level is its
//     next slot, and anything on a lower level comes before anything on a higher one;
//   - nodes of one tick share a slot at all times, so they fire in the order of their arming;
//   - a jump of years costs one step for each occupied slot, not for each tick.
// Eight levels hold 48 bits, and 2^63 nanoseconds are fewer than 2^44 ticks: nothing is clamped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tidemill/core/timer_node.hpp>

namespace tidemill::detail {

/// Fires timer nodes when their time has come. Thread: the loop's own.
///
/// Never early: a deadline is rounded up to a whole tick. Destroying the wheel detaches all nodes.
class TimerWheel {
public:
    using Nanoseconds = std::int64_t; ///< loop time, not negative

    explicit TimerWheel(Nanoseconds now);
    ~TimerWheel() { detach_all(); }
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// Arms `node`, or moves it if it is armed. A deadline that has passed already fires at the
    /// next `expire`, never at the one that is under way.
    void arm(TimerNode& node, Nanoseconds deadline) noexcept;

    /// Does nothing if `node` is not armed.
    void cancel(TimerNode& node) noexcept {
        if (node.armed()) unlink(node);
    }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// The earliest time at which `expire` has work; nothing if no node is armed.
    ///
    /// Never later than the earliest deadline rounded up to a tick. For a far deadline it is
    /// earlier, when a slot must be split into finer ones: at most seven times for each timer.
    [[nodiscard]] std::optional<Nanoseconds> next_expiry() const noexcept;

    /// Fires all nodes that are due at `now`, in the order of their ticks and, within a tick, of
    /// their arming. Handlers may arm, cancel and destroy any node. A `now` that lies before an
    /// earlier one counts as that one. A nested call is misuse.
    void expire(Nanoseconds now);

    /// Unarms every node and calls none: for the end of the loop.
    void detach_all() noexcept;

private:
    using Tick = std::uint64_t;
    struct Slot {
        std::size_t level;
        std::size_t index; ///< in `lists_`
        Tick start;
    };
    static constexpr std::size_t slot_bits = 6;
    static constexpr std::size_t slots_per_level = std::size_t{1} << slot_bits;
    static constexpr std::size_t level_count = 8;
    static constexpr std::size_t slot_count = level_count * slots_per_level;
    static constexpr std::size_t due_index = slot_count;
    static constexpr std::size_t firing_index = slot_count + 1;

    static Tick tick_at_or_before(Nanoseconds time) noexcept;
    static Tick tick_at_or_after(Nanoseconds time) noexcept;

    void append(std::size_t list, TimerNode& node) noexcept;
    void place(TimerNode& node) noexcept;
    void unlink(TimerNode& node) noexcept;
    [[nodiscard]] std::optional<Slot> next_slot() const noexcept;
    [[nodiscard]] bool list_empty(std::size_t list) const noexcept;
    [[nodiscard]] TimerNode& front(std::size_t list) noexcept;
    void collect_due(Tick target) noexcept;
    void open_slot(const Slot& slot) noexcept;
    void fire_collected() noexcept;

    Nanoseconds now_;
    Tick current_;
    std::size_t size_ = 0;
    bool expiring_ = false;
    std::array<std::uint64_t, level_count> occupied_{};
    /// The slots of all levels, then what was armed in the past, then what `expire` has collected.
    std::array<TimerLink, slot_count + 2> lists_;
};

} // namespace tidemill::detail
