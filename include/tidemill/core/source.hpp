// The loop's face of whatever owns a socket, and the words of readiness.
#pragma once

#include <cstdint>

namespace tidemill::detail {

/// What a waiter asks for.
enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

constexpr Interest operator|(Interest a, Interest b) noexcept {
    return static_cast<Interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Interest without(Interest interest, Interest dropped) noexcept {
    return static_cast<Interest>(static_cast<unsigned>(interest) & ~static_cast<unsigned>(dropped));
}
constexpr bool includes(Interest interest, Interest wanted) noexcept {
    return (static_cast<unsigned>(interest) & static_cast<unsigned>(wanted)) != 0;
}

class Operation;

class Source {
public:
    /// The socket became readable (or failed). This object may be gone when the call returns.
    virtual void on_readable() noexcept = 0;
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
