// Wakes a selector that waits for sockets only, from any thread: two UDP sockets on the loopback
// interface, each connected to the other.
#pragma once

#include <atomic>
#include <memory>
#include <tidemill/core/error.hpp>
#include <tidemill/core/native.hpp>

namespace tidemill::detail {

class Waker {
public:
    [[nodiscard]] static Result<std::unique_ptr<Waker>> make();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    ~Waker();

    /// The socket that becomes readable.
    [[nodiscard]] NativeSocket readable_end() const noexcept { return receiver_; }
    /// Makes it readable; wakes in a row coalesce. Any thread.
    void wake() noexcept;
    /// Makes it unreadable again.
    void drain() noexcept;

private:
    Waker(NativeSocket receiver, NativeSocket sender) noexcept
        : receiver_(receiver), sender_(sender) {}
    NativeSocket receiver_;
    NativeSocket sender_;
    std::atomic<bool> is_raised_{false};
};

} // namespace tidemill::detail
