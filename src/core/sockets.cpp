#include "core/sockets.hpp"
#include <tidemill/core/require.hpp>

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
PackedError Sockets::adopt_datagrams(NativeSocket) { return Errc::not_supported; }

namespace {

void set_received(IncomingDatagram& datagram, const DatagramResult& came) noexcept {
    datagram.sender = came.sender;
    datagram.own_address = came.own_address;
    datagram.interface_index = came.interface_index;
    datagram.ecn = came.ecn;
    datagram.is_truncated = came.is_truncated;
    datagram.bytes = came.bytes;
    datagram.segment_bytes = came.segment_bytes;
}

} // namespace

ManyResult Sockets::receive_many(NativeSocket socket, std::span<IncomingDatagram> into) {
    for (std::size_t i = 0; i < into.size(); ++i) {
        const DatagramResult came = receive_from(socket, into[i].memory);
        if (came.error == PackedError(std::errc::operation_would_block) && i > 0) return {i, {}};
        if (came.error) return {i, came.error};
        set_received(into[i], came);
    }
    return {into.size(), {}};
}

ManyResult Sockets::send_many(NativeSocket socket, std::span<const OutgoingDatagram> messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const OutgoingDatagram& message = messages[i];
        TIDEMILL_REQUIRE(message.segment_bytes == 0 && message.pieces.size() == 1,
                         "a platform that cuts no runs is given none");
        const IoResult sent = send_to(socket, message.pieces.front(), message.to);
        if (sent.error) return {i, sent.error};
    }
    return {messages.size(), {}};
}

PackedError Sockets::change_membership(NativeSocket, const MembershipChange&) {
    return Errc::not_supported;
}

PackedError Sockets::set_icmp_policy(NativeSocket, IcmpPolicy) { return {}; }

IcmpResult Sockets::next_icmp_report(NativeSocket) {
    return {{}, std::errc::operation_would_block};
}

} // namespace tidemill::detail
