// Time as the loop sees it: a monotonic clock that tests can replace, and deadlines.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace tidemill {

/// All spans of time in the interface; any std::chrono duration converts to it.
using Duration = std::chrono::nanoseconds;

/// A monotonic clock. Replace it (`LoopOptions::clock`) to test behaviour in time without waiting.
class Clock {
public:
    virtual ~Clock() = default;

    /// Time since an origin of the clock's choice; never decreases.
    [[nodiscard]] virtual Duration now() noexcept = 0;

    /// Like now(), but may lag behind by a few milliseconds if that makes it cheaper. The loop asks
    /// this after callbacks and when a deadline begins, to notice that time has passed since it
    /// read now().
    [[nodiscard]] virtual Duration coarse_now() noexcept { return now(); }

    /// How long the loop may really block when it has nothing to do for `planned`. A replaced clock
    /// that does not move by itself answers zero, so that nobody waits for it.
    [[nodiscard]] virtual Duration longest_wait(Duration planned) noexcept { return planned; }

    /// Told when a wait that longest_wait() had shortened has brought nothing; a replaced clock may
    /// move on by `planned` here.
    virtual void idle_for(Duration planned) noexcept { static_cast<void>(planned); }
};

/// Limits how long an operation may take, counted from the moment at which it starts.
///
/// A default-constructed Deadline means the object's own default limit (for a stream: its idle or
/// write-stall limit). A deadline that passed while the loop was busy loses against input that is
/// already there.
class Deadline {
public:
    constexpr Deadline() noexcept = default;

    /// No limit at all, not even the object's default.
    [[nodiscard]] static constexpr Deadline never() noexcept { return Deadline(never_ns); }

    [[nodiscard]] constexpr bool is_default() const noexcept { return timeout_ns_ == default_ns; }
    [[nodiscard]] constexpr bool is_never() const noexcept { return timeout_ns_ == never_ns; }
    /// Nanoseconds; meaningful unless is_default() or is_never().
    [[nodiscard]] constexpr std::int64_t timeout_ns() const noexcept { return timeout_ns_; }

    friend constexpr Deadline within(Duration limit) noexcept;

private:
    static constexpr std::int64_t default_ns = -1;
    static constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();

    explicit constexpr Deadline(std::int64_t timeout_ns) noexcept : timeout_ns_(timeout_ns) {}

    std::int64_t timeout_ns_ = default_ns;
};

/// A deadline `limit` after the start of the operation it is given to. A negative limit counts as
/// zero: the operation ends when the loop next runs timers, within a tick of 1 ms, unless what it
/// waits for is there by then.
[[nodiscard]] constexpr Deadline within(Duration limit) noexcept {
    return Deadline(limit.count() < 0 ? 0 : limit.count());
}

} // namespace tidemill
