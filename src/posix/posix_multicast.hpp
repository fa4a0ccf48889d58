// Multicast options and memberships over POSIX calls; PosixSockets hands its calls on.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

/// One of the multicast options, or not_supported for another.
[[nodiscard]] PackedError set_multicast_option(int socket, SocketOption option, int value) noexcept;
[[nodiscard]] PackedError change_multicast_membership(int socket,
                                                      const MembershipChange& change) noexcept;

/// A new datagram socket hears only groups that it joins itself. Linux would give it those of every
/// process on the machine.
void hear_own_groups_only(int socket) noexcept;

} // namespace tidemill::detail
