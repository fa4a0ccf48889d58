// Making a datagram socket before there is a loop for it.
#pragma once

#include "core/sockets.hpp"
#include <tidemill/net/udp_options.hpp>

namespace tidemill::detail {

struct OpenedDatagrams {
    NativeSocket socket = invalid_socket;
    Endpoint local;
    PackedError error; ///< a socket that was made here is closed then
    bool follows_policy = false;
    Endpoint peer;              ///< the fixed one, if there is one
    bool gathers_input = false; ///< its maker has seen to that
};

/// Bound to `to`, or connected to it.
[[nodiscard]] OpenedDatagrams open_datagram_socket(Sockets& sockets, const Endpoint& to,
                                                   const UdpOptions& options, bool is_connected);

/// Of a socket that somebody else has made and bound; whose it stays if there is an error.
[[nodiscard]] OpenedDatagrams adopt_datagram_socket(Sockets& sockets, NativeSocket socket,
                                                    const UdpOptions& options);

} // namespace tidemill::detail
