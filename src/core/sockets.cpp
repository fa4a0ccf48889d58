#include "core/sockets.hpp"

namespace tidemill::detail {

std::ptrdiff_t Sockets::receive_now(NativeSocket socket, std::span<std::byte> into) {
    const auto [bytes, error] = receive(socket, into);
    last_error_ = error;
    return error ? -1 : static_cast<std::ptrdiff_t>(bytes);
}

std::ptrdiff_t Sockets::send_now(NativeSocket socket, Buffer bytes) {
    const auto [sent, error] = send(socket, bytes);
    last_error_ = error;
    return error ? -1 : static_cast<std::ptrdiff_t>(sent);
}

} // namespace tidemill::detail
