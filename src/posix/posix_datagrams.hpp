// The datagram half of the socket seam over POSIX calls; PosixSockets hands its calls on.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

[[nodiscard]] DatagramResult receive_datagram(int socket, std::span<std::byte> into) noexcept;
/// Whether it is a bound UDP socket of IPv4 or IPv6; as Sockets::adopt_datagrams().
[[nodiscard]] PackedError check_bound_datagrams(int socket) noexcept;
/// Undoes what its maker may have asked for and would change what is sent.
void send_each_as_it_is(int socket) noexcept;
/// Asks for own address, interface and mark of each datagram.
[[nodiscard]] PackedError tell_datagram_details(int socket) noexcept;
[[nodiscard]] PackedError set_datagram_icmp_policy(int socket, IcmpPolicy policy) noexcept;
[[nodiscard]] IcmpResult next_datagram_error(int socket) noexcept;

} // namespace tidemill::detail
