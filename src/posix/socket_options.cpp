#include "posix/socket_options.hpp"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

namespace tidemill::detail {

OptionName native_option(SocketOption option) noexcept {
    switch (option) {
    case SocketOption::no_delay: return {IPPROTO_TCP, TCP_NODELAY};
    case SocketOption::keep_alive: return {SOL_SOCKET, SO_KEEPALIVE};
    case SocketOption::reuse_address: return {SOL_SOCKET, SO_REUSEADDR};
    case SocketOption::reuse_port: return {SOL_SOCKET, SO_REUSEPORT};
    case SocketOption::v6_only: return {IPPROTO_IPV6, IPV6_V6ONLY};
    case SocketOption::broadcast: return {SOL_SOCKET, SO_BROADCAST};
    case SocketOption::receive_buffer: return {SOL_SOCKET, SO_RCVBUF};
    case SocketOption::send_buffer: return {SOL_SOCKET, SO_SNDBUF};
    case SocketOption::gather_input:
#ifdef UDP_GRO
        return {IPPROTO_UDP, UDP_GRO};
#else
        break;
#endif
    case SocketOption::datagram_details: // several, or by family
    case SocketOption::multicast_interface:
    case SocketOption::multicast_loop:
    case SocketOption::multicast_hops: break;
#if defined(TCP_KEEPIDLE)
    case SocketOption::keep_alive_idle: return {IPPROTO_TCP, TCP_KEEPIDLE};
#elif defined(TCP_KEEPALIVE)
    case SocketOption::keep_alive_idle: return {IPPROTO_TCP, TCP_KEEPALIVE};
#endif
#ifdef TCP_KEEPINTVL
    case SocketOption::keep_alive_interval: return {IPPROTO_TCP, TCP_KEEPINTVL};
    case SocketOption::keep_alive_count: return {IPPROTO_TCP, TCP_KEEPCNT};
#endif
#ifdef TCP_USER_TIMEOUT
    case SocketOption::user_timeout: return {IPPROTO_TCP, TCP_USER_TIMEOUT};
#endif
    default: break; // this system has none
    }
    return {-1, -1};
}

} // namespace tidemill::detail
