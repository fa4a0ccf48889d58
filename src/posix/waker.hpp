// Wakes a selector that waits, from any thread: an eventfd where there is one, else a pipe.
#pragma once

#include <atomic>
#include <tidemill/core/error.hpp>

namespace tidemill::detail {

class Waker {
public:
    /// Fails when the system has no descriptor left.
    [[nodiscard]] static Result<Waker> make();
    /// Before any other thread knows of it.
    Waker(Waker&& other) noexcept;
    Waker& operator=(Waker&&) = delete;
    ~Waker();

    /// The descriptor that becomes readable.
    [[nodiscard]] int readable_end() const noexcept { return read_end_; }
    /// Makes it readable, if it is not. Any thread.
    void wake() noexcept;
    /// Makes it unreadable again. To be called only when it is readable, by the thread that waits.
    void drain() noexcept;

private:
    Waker(int read_end, int write_end) noexcept : read_end_(read_end), write_end_(write_end) {}
    int read_end_;
    int write_end_; ///< the same as read_end_ for an eventfd
    std::atomic<bool> is_raised_{false};
};

} // namespace tidemill::detail
