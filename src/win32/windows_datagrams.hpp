// The datagram half of the socket seam over Winsock; WindowsSockets hands its calls on.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

/// With own address, interface and mark, as far as the system tells.
[[nodiscard]] DatagramResult receive_datagram(NativeSocket socket,
                                              std::span<std::byte> into) noexcept;
/// The same by the plain call, which tells the sender only: for systems that have no other.
[[nodiscard]] DatagramResult receive_plain_datagram(NativeSocket socket,
                                                    std::span<std::byte> into) noexcept;

/// Asks for own address, interface and mark of each datagram.
[[nodiscard]] PackedError tell_datagram_details(NativeSocket socket) noexcept;
/// Fills in what control messages tell, each thing if it is told. Any bytes are taken.
void read_control(std::span<const std::byte> control, DatagramResult& into) noexcept;

void set_datagram_icmp_policy(NativeSocket socket, IcmpPolicy policy) noexcept;

/// Whether it is a bound UDP socket of IPv4 or IPv6; as Sockets::adopt_datagrams().
[[nodiscard]] PackedError check_bound_datagrams(NativeSocket socket) noexcept;
/// Undoes what its maker may have asked for and would change what is sent and received.
void send_each_as_it_is(NativeSocket socket) noexcept;

} // namespace tidemill::detail
