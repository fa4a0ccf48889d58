// What the system tells about a TCP connection.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

[[nodiscard]] TcpInfoResult tcp_info_of(NativeSocket socket) noexcept;
[[nodiscard]] Unacknowledged unacknowledged_of(NativeSocket socket,
                                               const Accepted& accepted) noexcept;
/// Among the options of TCP; -1 for those of other kinds.
[[nodiscard]] int tcp_option_name(SocketOption option) noexcept;
/// `std::errc::invalid_argument` unless it is a socket that listens.
[[nodiscard]] PackedError check_listening(NativeSocket socket) noexcept;
/// Without TCP_KEEPIDLE and its kin, which old systems and Wine lack.
[[nodiscard]] PackedError set_keep_alive_values(NativeSocket socket,
                                                const KeepAlive& keep_alive) noexcept;

} // namespace tidemill::detail
