// Wakes a selector that waits, from any thread: an eventfd where there is one, else a pipe.
#pragma once

#include <tidemill/core/error.hpp>

namespace tidemill::detail {

class Waker {
public:
    /// Fails when the system has no descriptor left.
    [[nodiscard]] static Result<Waker> make();
    Waker(Waker&& other) noexcept;
    Waker& operator=(Waker&&) = delete;
    ~Waker();

    /// The descriptor that becomes readable.
    [[nodiscard]] int readable_end() const noexcept { return read_end_; }
    /// Makes it readable; wakes in a row coalesce. Any thread.
    void wake() noexcept;
    /// Makes it unreadable again.
    void drain() noexcept;

private:
    Waker(int read_end, int write_end) noexcept : read_end_(read_end), write_end_(write_end) {}
    int read_end_;
    int write_end_; ///< the same as read_end_ for an eventfd
};

} // namespace tidemill::detail
