// The watched sockets of a libuv loop: one uv_poll_t for each, and what its callbacks have told.
//
// The callbacks only record. Who waits calls begin_round(), lets libuv run, and takes the events;
// nothing of the library or of its user runs inside libuv's own scan.
//
// Whoever is ready stands in a line. A reported one goes to its end, so that nobody starves, and
// one that a round has not confirmed leaves it, so that nobody hears of what is no longer there.
//
// A handle belongs to libuv until its close callback has run, which may be long after this object
// is gone: each lies in a block of its own, which that callback frees.
#pragma once

#include "core/selector.hpp"
#include <tidemill/core/require.hpp>
#include <uv.h>
#include <vector>

namespace tidemill::detail {

/// An error of libuv, which on these systems is errno with its sign changed.
[[nodiscard]] inline PackedError uv_error(int status) noexcept {
    return status == 0 ? PackedError() : PackedError(static_cast<std::errc>(-status));
}

/// uv_close(). Nobody can tell when libuv is done with a handle that somebody else has closed, so
/// that is misuse.
inline void close_own(uv_handle_t* handle, uv_close_cb on_closed) noexcept {
    TIDEMILL_REQUIRE(::uv_is_closing(handle) == 0,
                     "a guest is destroyed or detached before its host closes its handles");
    ::uv_close(handle, on_closed);
}

class PollSet {
public:
    explicit PollSet(uv_loop_t& loop) noexcept : loop_(loop) {}
    PollSet(const PollSet&) = delete;
    PollSet& operator=(const PollSet&) = delete;
    /// Closes every handle; libuv has to run once more to be done with them.
    ~PollSet();

    PackedError add(NativeSocket socket, Interest interest, Token token) noexcept;
    PackedError modify(NativeSocket socket, Interest interest, Token token) noexcept;
    PackedError remove(NativeSocket socket) noexcept;

    /// What was recorded and not taken needs to be confirmed from here on.
    void begin_round() noexcept;
    /// True: a callback has recorded something in this round.
    [[nodiscard]] bool has_events() const noexcept { return has_events_; }
    /// Moves what this round has recorded to `ready`, as far as it fits.
    std::size_t take(std::span<Event> ready) noexcept;

private:
    struct Watch;

    static void on_poll(uv_poll_t* handle, int status, int events) noexcept;
    void record(Watch& watch, bool readable, bool writable) noexcept;
    void join_line(Watch& watch) noexcept;
    void leave_line(Watch& watch) noexcept;
    [[nodiscard]] Watch* find(NativeSocket socket) const noexcept;

    uv_loop_t& loop_;
    std::vector<Watch*> watches_;      ///< by descriptor; null: not watched
    std::size_t entries_of_libuv_ = 0; ///< its table of descriptors has at least as many
    Watch* first_ = nullptr;           ///< the line of those that are ready or were
    Watch* last_ = nullptr;
    bool has_events_ = false;
};

} // namespace tidemill::detail
