// Groups to hear, and how far what is sent to groups goes.

#include "core/loop_core.hpp"
#include <tidemill/net/udp_socket.hpp>

namespace tidemill {

using detail::PackedError;
using detail::SocketOption;

Result<void> UdpSocket::join_group(const IpAddress& group, const GroupChoice& choice) {
    return change_group(true, group, choice);
}

Result<void> UdpSocket::leave_group(const IpAddress& group, const GroupChoice& choice) {
    return change_group(false, group, choice);
}

Result<void> UdpSocket::change_group(bool is_joined, const IpAddress& group,
                                     const GroupChoice& choice) {
    if (!is_open()) return failure(Errc::closed_locally);
    const bool fits =
        group.is_multicast() && (!choice.source || choice.source->is_v4() == group.is_v4());
    detail::MembershipChange change{is_joined, group, choice.source ? &*choice.source : nullptr,
                                    choice.interface_index};
    const PackedError error = fits ? loop_->sockets().change_membership(socket_, change)
                                   : PackedError(std::errc::invalid_argument);
    if (!error) return {};
    return failure(Error(error.code(), (is_joined ? "join " : "leave ") + group.to_string()));
}

Result<void> UdpSocket::set_multicast_interface(std::uint32_t index) {
    return set_multicast_option(static_cast<unsigned>(SocketOption::multicast_interface),
                                static_cast<int>(index));
}

Result<void> UdpSocket::set_multicast_loop(bool is_heard) {
    return set_multicast_option(static_cast<unsigned>(SocketOption::multicast_loop),
                                is_heard ? 1 : 0);
}

Result<void> UdpSocket::set_multicast_hops(int hops) {
    if (hops < 0 || hops > 255) return failure(std::errc::invalid_argument);
    return set_multicast_option(static_cast<unsigned>(SocketOption::multicast_hops), hops);
}

Result<void> UdpSocket::set_multicast_option(unsigned option, int value) {
    if (!is_open()) return failure(Errc::closed_locally);
    const PackedError error =
        loop_->sockets().set_option(socket_, static_cast<SocketOption>(option), value);
    if (!error) return {};
    return failure(Error(error.code(), "multicast option of udp " + endpoint_.to_string()));
}

} // namespace tidemill
