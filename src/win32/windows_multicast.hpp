// Multicast options and memberships over Winsock; WindowsSockets hands its calls on.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

/// One of the multicast options, or not_supported for another.
[[nodiscard]] PackedError set_multicast_option(NativeSocket socket, SocketOption option,
                                               int value) noexcept;
[[nodiscard]] PackedError change_multicast_membership(NativeSocket socket,
                                                      const MembershipChange& change) noexcept;

} // namespace tidemill::detail
