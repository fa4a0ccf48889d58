// errno as the library's own error.
#pragma once

#include <cerrno>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::detail {

// EAGAIN and EWOULDBLOCK may be two numbers; callers compare with one. Everything else keeps its
// number, which is what std::errc is on POSIX.
[[nodiscard]] inline PackedError posix_error(int number) noexcept {
    if (number == EAGAIN || number == EWOULDBLOCK) return std::errc::operation_would_block;
    return static_cast<std::errc>(number);
}

/// Repeats `call` as long as a signal interrupts it.
template <class Call> [[nodiscard]] auto retried(Call call) noexcept {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

/// The outcome of a call that gives -1 and errno on failure.
[[nodiscard]] inline PackedError outcome(int result) noexcept {
    return result == -1 ? posix_error(errno) : PackedError();
}

} // namespace tidemill::detail
