// What the system tells about a TCP connection.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

[[nodiscard]] TcpInfoResult tcp_info_of(int socket) noexcept;
[[nodiscard]] Unacknowledged unacknowledged_of(int socket, const Accepted& accepted) noexcept;

} // namespace tidemill::detail
