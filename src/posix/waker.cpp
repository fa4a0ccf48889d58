// At most one wake-up is in the descriptor at any time: a flag stands for it, so that a thousand
// calls write once, and a pipe, where there is no eventfd, can neither fill up nor keep some for
// later.

#include "posix/waker.hpp"
#include "posix/posix_error.hpp"
#include <array>
#include <cstdint>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace tidemill::detail {

#ifdef __linux__
Result<Waker> Waker::make() {
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor == -1) return failure(posix_error(errno).code());
    return Waker(descriptor, descriptor);
}
#else
Result<Waker> Waker::make() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) == -1) return failure(posix_error(errno).code());
    for (const int end : ends) {
        ::fcntl(end, F_SETFD, FD_CLOEXEC);
        ::fcntl(end, F_SETFL, O_NONBLOCK);
    }
    return Waker(ends[0], ends[1]);
}
#endif

Waker::Waker(Waker&& other) noexcept
    : read_end_(std::exchange(other.read_end_, -1)),
      write_end_(std::exchange(other.write_end_, -1)), is_raised_(other.is_raised_.load()) {}

Waker::~Waker() {
    if (read_end_ == -1) return;
    ::close(read_end_);
    if (write_end_ != read_end_) ::close(write_end_);
}

// Whoever finds the flag up knows that the descriptor is readable, or that its reader is on the way
// back to the loop and will see what the caller wrote before: drain() takes the flag by an
// exchange, which orders the two.
void Waker::wake() noexcept {
    if (is_raised_.exchange(true, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    static_cast<void>(retried([&] { return ::write(write_end_, &one, sizeof one); }));
}

// The flag last: were it lowered first, a wake in between could raise it, lose its bytes to this
// read, and silence all later ones.
void Waker::drain() noexcept {
    std::uint64_t scrap = 0; // as much as one wake wrote
    static_cast<void>(retried([&] { return ::read(read_end_, &scrap, sizeof scrap); }));
    is_raised_.exchange(false, std::memory_order_acq_rel);
}

} // namespace tidemill::detail
