// What an object inherits to be called when a moment has come: the timer wheel's intrusive node.
//
// The wheel links nodes and never owns them, so arming allocates nothing. A node is 32 bytes and
// does not know its wheel: who owns the node knows the loop, and cancels before it destroys.
#pragma once

#include <cstdint>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

/// Links of a circular list; a list's own sentinel is a bare link.
struct TimerLink {
    TimerLink* previous = nullptr;
    TimerLink* next = nullptr; ///< null while the node is in no list
};

/// Where a timer stands; only the wheel writes here. Apart from TimerNode because making the wheel
/// its friend would give access to the destructor, which only owners may have.
struct TimerPlace : TimerLink {
    std::uint64_t tick = 0;
};

/// One timer. Armed and cancelled through TimerWheel.
///
/// `on_timer` is called once for each arming, with the node already unarmed, so that it may arm
/// itself again, or destroy itself or any other node. Destroying an armed node is misuse.
class TimerNode : public TimerPlace {
public:
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;

    /// False before arming, after firing or cancelling, and once the wheel is gone.
    [[nodiscard]] bool armed() const noexcept { return next != nullptr; }

    /// When it fires, in nanoseconds of loop time; only while armed.
    [[nodiscard]] std::int64_t fires_at() const noexcept {
        return static_cast<std::int64_t>(tick) * 1'000'000;
    }

    virtual void on_timer() noexcept = 0;

protected:
    TimerNode() = default;
    ~TimerNode() { TIDEMILL_REQUIRE(!armed(), "a timer must be cancelled before it is destroyed"); }
};

} // namespace tidemill::detail
