// A listening socket, before any loop has it.
#pragma once

#include "core/sockets.hpp"
#include <tidemill/net/tcp_listener.hpp>

namespace tidemill::detail {

struct ListeningSocket {
    NativeSocket socket = invalid_socket;
    Endpoint endpoint; ///< with the port that the system chose
};

/// Opens, binds and listens. The error names the endpoint.
[[nodiscard]] Result<ListeningSocket> open_listening_socket(Sockets& sockets, const Endpoint& local,
                                                            const ListenOptions& options);

} // namespace tidemill::detail
