// Options of connections, for sockets of streams and of listeners.
#pragma once

#include "core/sockets.hpp"
#include <tidemill/net/tcp_options.hpp>

namespace tidemill::detail {

/// Sets what differs from the system's defaults; of a socket that is not fresh, also what is off.
[[nodiscard]] PackedError apply_options(Sockets& sockets, NativeSocket socket,
                                        const TcpOptions& options, bool is_fresh) noexcept;

} // namespace tidemill::detail
