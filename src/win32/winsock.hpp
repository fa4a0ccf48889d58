// Winsock has to be started in each process before its first call; the library sees to it itself.
#pragma once

#include <cstdint>

namespace tidemill::detail {

/// Starts Winsock unless this process has it already. Whatever makes sockets calls it first. A
/// failure shows in the calls that follow, as network_down.
void start_winsock() noexcept;

/// How often the system refused to set a UDP socket's ICMP policy, in this process. Such a socket
/// works all the same (winsock_error.hpp tells how).
[[nodiscard]] std::uint64_t refused_icmp_policies() noexcept;

} // namespace tidemill::detail
