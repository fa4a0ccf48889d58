// One socket of the iocp selector: its request, its state, and what the driver's events mean. The
// states are told in iocp_selector.cpp.
#pragma once

#include "core/selector.hpp"
#include "win32/afd_poll.hpp"

namespace tidemill::detail {

enum class PollState : std::uint8_t { idle, pending, cancelled };

inline constexpr std::size_t not_stale = ~std::size_t{0};

struct WatchedSocket {
    AfdRequest request{}; ///< first: its address is that in the packet
    NativeSocket socket = invalid_socket;
    NativeSocket base = invalid_socket;
    AfdDevice* device = nullptr;
    Token token;
    Interest wanted = Interest::none;
    PollState state = PollState::idle;
    bool is_buried = false;
    ULONG asked = 0;               ///< by the request that the kernel has
    std::size_t place = not_stale; ///< in `stale_`
    std::uint64_t reported_in = 0; ///< number of the wait
};

// The peer's end is asked for by itself: at the end of a stream "receive" alone is never told.
inline ULONG to_mask(Interest interest) noexcept {
    constexpr ULONG always = afd::abort | afd::local_close | afd::connect_fail;
    constexpr ULONG input = afd::receive | afd::disconnect | afd::accept;
    const ULONG read = includes(interest, Interest::read) ? input : 0;
    const ULONG write = includes(interest, Interest::write) ? afd::send : 0;
    return always | read | write;
}

// A failed connect comes first: other bits that come with it mean nothing.
inline Ending ending_of(ULONG found) noexcept {
    if ((found & afd::connect_fail) != 0) return Ending::failed;
    if ((found & afd::abort) != 0) return Ending::reset;
    return (found & afd::disconnect) != 0 ? Ending::in_order : Ending::unknown;
}

inline Event to_event(ULONG found, Token token) noexcept {
    constexpr ULONG failures = afd::abort | afd::local_close | afd::connect_fail;
    constexpr ULONG input = afd::receive | afd::disconnect | afd::accept;
    const bool has_failed = (found & failures) != 0;
    Event event{token, has_failed || (found & input) != 0, has_failed || (found & afd::send) != 0};
    event.ending = ending_of(found);
    return event;
}

inline bool is_wanted(const Event& event, Interest wanted) noexcept {
    return (event.readable && includes(wanted, Interest::read)) ||
           (event.writable && includes(wanted, Interest::write));
}

} // namespace tidemill::detail
