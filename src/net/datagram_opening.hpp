// Making a datagram socket before there is a loop for it.
#pragma once

#include "core/sockets.hpp"
#include <tidemill/net/udp_options.hpp>

namespace tidemill::detail {

struct OpenedDatagrams {
    NativeSocket socket = invalid_socket;
    Endpoint local;
    PackedError error; ///< the socket is closed then
    bool follows_policy = false;
};

/// Bound to `to`, or connected to it.
[[nodiscard]] OpenedDatagrams open_datagram_socket(Sockets& sockets, const Endpoint& to,
                                                   const UdpOptions& options, bool is_connected);

} // namespace tidemill::detail
