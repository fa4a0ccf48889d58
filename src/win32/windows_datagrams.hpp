// The datagram half of the socket seam over Winsock; WindowsSockets hands its calls on.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

/// Whether it is a bound UDP socket of IPv4 or IPv6; as Sockets::adopt_datagrams().
[[nodiscard]] PackedError check_bound_datagrams(NativeSocket socket) noexcept;

void set_datagram_icmp_policy(NativeSocket socket, IcmpPolicy policy) noexcept;

} // namespace tidemill::detail
