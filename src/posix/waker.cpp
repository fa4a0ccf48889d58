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
      write_end_(std::exchange(other.write_end_, -1)) {}

Waker::~Waker() {
    if (read_end_ == -1) return;
    ::close(read_end_);
    if (write_end_ != read_end_) ::close(write_end_);
}

// A full pipe or counter means that a wake is already under way, so would-block is success.
void Waker::wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(retried([&] { return ::write(write_end_, &one, sizeof one); }));
}

// All at once, so that many wakes are one return. A flag that says "raised already" would save
// calls, but not survive a fork: a child that reads what both share would leave the parent's flag
// up, and the parent deaf.
void Waker::drain() noexcept {
    std::array<std::uint64_t, 64> scrap;
    ssize_t bytes = 0;
    do {
        bytes = retried([&] { return ::read(read_end_, scrap.data(), sizeof scrap); });
    } while (bytes == ssize_t{sizeof scrap});
}

} // namespace tidemill::detail
