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

PackedError Sockets::set_keep_alive(NativeSocket socket, const KeepAlive& keep_alive) {
    PackedError error = set_option(socket, SocketOption::keep_alive, keep_alive.is_on ? 1 : 0);
    if (!keep_alive.is_on) return error;
    const auto set = [&](SocketOption option, int value) {
        if (!error && value > 0) error = set_option(socket, option, value);
    };
    set(SocketOption::keep_alive_idle, keep_alive.idle_seconds);
    set(SocketOption::keep_alive_interval, keep_alive.interval_seconds);
    set(SocketOption::keep_alive_count, keep_alive.count);
    return error;
}

TcpInfoResult Sockets::tcp_info(NativeSocket) { return {{}, Errc::not_supported}; }

Unacknowledged Sockets::unacknowledged(NativeSocket, const Accepted&) {
    return {0, false, 0, Errc::not_supported};
}

PackedError Sockets::adopt_listener(NativeSocket) { return Errc::not_supported; }

} // namespace tidemill::detail
