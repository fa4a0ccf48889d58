// The loop's face of whatever owns a socket, and the words of readiness.
#pragma once

#include <cstdint>
#include <tidemill/core/operation.hpp>

namespace tidemill::detail {

/// What a waiter asks for. `news_only` with the others: what has been reported once need not be
/// reported again until more comes, or until the interest is renewed. Who asks for it remembers
/// what it has left behind. A selector that can, saves work; the others go on reporting.
enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3, news_only = 4 };

constexpr Interest operator|(Interest a, Interest b) noexcept {
    return static_cast<Interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Interest without(Interest interest, Interest dropped) noexcept {
    return static_cast<Interest>(static_cast<unsigned>(interest) & ~static_cast<unsigned>(dropped));
}
constexpr bool includes(Interest interest, Interest wanted) noexcept {
    return (static_cast<unsigned>(interest) & static_cast<unsigned>(wanted)) != 0;
}

/// How a connection has ended, told by selectors of systems whose calls alone do not tell it: there
/// a receive after a reset may give 0, as after an orderly end.
enum class Ending : std::uint8_t {
    unknown,  ///< the next call on the socket tells
    in_order, ///< the peer has ended its output
    reset,    ///< the connection was reset
    failed,   ///< a connect was refused; at a UDP socket: a datagram
};

class Source : public OperationOwner {
public:
    /// Told before the event that it came with. First come, first true: a reset that follows an
    /// orderly end takes nothing from it.
    virtual void on_ending(Ending ending) noexcept { static_cast<void>(ending); }
    /// The socket became readable (or failed). This object may be gone when the call returns.
    /// Throws nothing, but is not declared so: then its last call could not be a jump.
    virtual void on_readable() = 0;
    /// Before on_readable(): behind the bytes lies something that is no news by itself, an end or a
    /// mark. Only for who has asked for news_only.
    virtual void on_more_behind() noexcept {}
    /// The socket became writable (or failed). This object may be gone when the call returns.
    virtual void on_writable() noexcept = 0;
    /// Leases were refused before and may be granted now.
    virtual void on_leases_returned() noexcept {}
    /// The loop is being destroyed: close the socket, forget the loop, resume nobody.
    virtual void on_loop_gone() noexcept = 0;

    /// The operation that waits for input, so that the loop can fetch its frame ahead of time.
    [[nodiscard]] const Operation* waiting_reader() const noexcept { return reader_; }

protected:
    ~Source() = default;

    Operation* reader_ = nullptr;
};

} // namespace tidemill::detail
