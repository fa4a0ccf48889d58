#include "net/listening_socket.hpp"
#include "net/tcp_options.hpp"

namespace tidemill::detail {
namespace {

PackedError prepare(Sockets& sockets, NativeSocket socket, const Endpoint& local,
                    const ListenOptions& options) {
    PackedError error;
    if (options.reuse_address) error = sockets.set_option(socket, SocketOption::reuse_address, 1);
    if (!error && options.reuse_port)
        error = sockets.set_option(socket, SocketOption::reuse_port, 1);
    if (!error && local.address().is_v6())
        error = sockets.set_option(socket, SocketOption::v6_only, options.dual_stack ? 0 : 1);
    // Accepted sockets inherit these, which saves calls for each connection.
    if (!error) error = apply_options(sockets, socket, options.stream, true);
    if (!error) error = sockets.bind(socket, local);
    if (!error) error = sockets.listen(socket, options.backlog);
    return error;
}

} // namespace

Result<ListeningSocket> open_listening_socket(Sockets& sockets, const Endpoint& local,
                                              const ListenOptions& options) {
    const auto failed = [&](PackedError error) {
        return failure(Error(error.code(), "listen on " + local.to_string()));
    };
    const SocketResult opened = sockets.open(local.address(), SocketKind::stream);
    if (opened.error) return failed(opened.error);
    PackedError error = prepare(sockets, opened.socket, local, options);
    EndpointResult bound;
    if (!error) {
        bound = sockets.local_endpoint(opened.socket);
        error = bound.error;
    }
    if (error) {
        sockets.close(opened.socket);
        return failed(error);
    }
    return ListeningSocket{opened.socket, bound.endpoint};
}

} // namespace tidemill::detail
