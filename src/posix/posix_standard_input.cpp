// Standard input on POSIX: poll on the input and a wake-up, then one read.
//
// The descriptor stays blocking, because it is often shared with the parent's shell, and the flag
// would be shared too. Regular files are always ready for poll; a read of one waits for the disk at
// most.

#include "posix/posix_error.hpp"
#include "posix/waker.hpp"
#include "service/input_handle.hpp"
#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace tidemill::detail {
namespace {

class PosixInputHandle final : public InputHandle {
public:
    PosixInputHandle(int descriptor, Waker waker) noexcept
        : descriptor_(descriptor), waker_(std::move(waker)) {}

    void enter_thread() noexcept override {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    }

    bool wait(bool for_input, Duration at_most) noexcept override {
        const auto limit = std::chrono::ceil<std::chrono::milliseconds>(at_most).count();
        const int timeout_ms = static_cast<int>(std::min<std::int64_t>(limit, 60'000));
        std::array<pollfd, 2> watched{};
        watched[0].fd = waker_.readable_end();
        watched[0].events = POLLIN;
        watched[1].fd = for_input ? descriptor_ : -1;
        watched[1].events = POLLIN;
        if (retried([&] { return ::poll(watched.data(), watched.size(), timeout_ms); }) == -1)
            return for_input; // out of memory: the read waits itself, or tells what is the matter
        if (watched[0].revents != 0) waker_.drain();
        return watched[1].revents != 0;
    }

    IoResult read(std::span<std::byte> into) noexcept override {
        const ssize_t count =
            retried([&] { return ::read(descriptor_, into.data(), into.size()); });
        if (count == -1) return {0, posix_error(errno)};
        return {static_cast<std::size_t>(count), {}};
    }

    void interrupt() noexcept override { waker_.wake(); }

private:
    int descriptor_;
    Waker waker_;
};

// A process that is started with descriptor 0 closed soon has something else there, perhaps a
// socket of ours. What was inherited as standard input, or was put there on purpose, is never
// marked close-on-exec; what the library opens always is.
PackedError check_standard_input() noexcept {
    const int flags = ::fcntl(STDIN_FILENO, F_GETFD);
    if (flags == -1) return posix_error(errno);
    if ((flags & FD_CLOEXEC) != 0) return std::errc::bad_file_descriptor;
    return {};
}

} // namespace

Result<std::unique_ptr<InputHandle>> standard_input_handle() {
    if (const PackedError error = check_standard_input()) return failure(error.code());
    return input_handle(STDIN_FILENO);
}

Result<std::unique_ptr<InputHandle>> input_handle(NativeSocket descriptor) {
    Result<Waker> waker = Waker::make();
    if (!waker) return failure(std::move(waker.error()));
    return std::make_unique<PosixInputHandle>(descriptor, std::move(*waker));
}

} // namespace tidemill::detail
