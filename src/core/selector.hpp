// The readiness seam: how the loop waits for sockets. One implementation per system call; all of
// them pass tests/conformance, and docs/porting.md tells how to add one.
//
// The contract, in short:
// - Level-triggered: what is there and not taken is reported again by the next wait. Only who asks
//   for `news_only` may be told once; add() and modify() then tell anew what is there, and what
//   stops a receive short of all that there is (an end, urgent data) is reported as `more_behind`.
// - Interest (asked for) is never empty: a socket that nobody waits for is removed.
// - Events (got) carry the token of add() or modify(), never a descriptor. Hang-up and error are
//   reported as readable and writable (by select: in the directions asked for), so that the next
//   call on the socket finds the true error.
// - The socket is the key; a token is only what its events are called. modify() may change it.
// - wait() gives at most `ready.size()` events and goes on behind them in the next call, so that
//   no socket starves. A signal (EINTR) counts as zero events. Timeouts are rounded up.
// - wake() may be called from any thread, before or during wait(); calls between two waits
// coalesce.
// - A failed call changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tidemill/core/clock.hpp>
#include <tidemill/core/error.hpp>
#include <tidemill/core/native.hpp>
#include <tidemill/core/packed_error.hpp>
#include <tidemill/core/source.hpp>

namespace tidemill::detail {

/// Names a registration: a slot of the loop's table, and how often the slot has been reused.
struct Token {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    friend bool operator==(Token, Token) noexcept = default;
};

/// What a wait has found.
struct Event {
    Token token;
    bool readable = false;
    bool writable = false;
    bool more_behind = false; ///< with news_only: read on until there is nothing more
    Ending ending = Ending::unknown;
};

/// A socket that is watched, and what for.
struct Watched {
    NativeSocket socket = invalid_socket;
    Interest interest = Interest::none;
    Token token;
};

class Selector {
public:
    static constexpr Duration forever = Duration::max();

    virtual ~Selector() = default;

    /// Starts watching. `interest` must not be none; a socket that is watched already, under this
    /// token or another, is refused.
    virtual PackedError add(NativeSocket socket, Interest interest, Token token) = 0;
    /// Replaces the interest (not none) of a watched socket.
    virtual PackedError modify(NativeSocket socket, Interest interest, Token token) = 0;
    /// Stops watching; no event of this token is reported afterwards.
    virtual PackedError remove(NativeSocket socket, Token token) = 0;
    /// Told before a watched socket is closed. A selector whose kernel forgets closed sockets by
    /// itself may save the call, but only for a socket that has no other descriptor (`sole_owner`).
    virtual void closing(NativeSocket socket, Token token, bool sole_owner) = 0;
    /// Waits for at most `timeout`, and gives the number of events written to `ready`.
    virtual Result<std::size_t> wait(std::span<Event> ready, Duration timeout) = 0;
    /// Makes a wait() that runs, or else the next one, return early. Any thread.
    virtual void wake() noexcept = 0;
    /// Told that a wait has again reported a token that was gone before it began: the kernel holds
    /// on to a closed socket, of which a copy is open elsewhere, and would report it for ever. A
    /// selector to which that can happen starts over with `all` of what is to be watched. True if
    /// it did; else nothing has changed.
    virtual bool rebuild(std::span<const Watched> all) {
        static_cast<void>(all);
        return false;
    }
    /// A descriptor that is readable when a wait would not block; invalid_socket: there is none.
    [[nodiscard]] virtual NativeSocket native_handle() const noexcept { return invalid_socket; }
    /// True if it can watch a socket that was not made for it, and leaves it as it was.
    [[nodiscard]] virtual bool takes_foreign_sockets() const noexcept { return false; }
    [[nodiscard]] virtual const char* name() const noexcept = 0;

    /// How many better selectors could not be made, if this one was the platform's choice.
    [[nodiscard]] std::size_t refused_before() const noexcept { return refused_before_; }
    void set_refused_before(std::size_t count) noexcept { refused_before_ = count; }

private:
    std::size_t refused_before_ = 0;
};

/// Makes the selector of that name; an empty name means the best that works here.
[[nodiscard]] Result<std::unique_ptr<Selector>> make_selector(std::string_view name);

/// The system's monotonic clock; lives for ever.
[[nodiscard]] Clock& steady_clock() noexcept;
/// Its coarse_now(), without a virtual call.
[[nodiscard]] std::int64_t steady_coarse_ns() noexcept;

} // namespace tidemill::detail
