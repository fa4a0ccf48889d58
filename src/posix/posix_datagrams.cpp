// One datagram a call, with what the system tells of it, and the errors that come back by ICMP.
//
// On Linux an error queue (IP_RECVERR) keeps each ICMP error with the address that the datagram
// went to. Without it a connected socket's next call fails with the error, and an unconnected one
// hears nothing. A socket of IPv6 serves IPv4 as well, so it is told both families' options.

#include "posix/posix_datagrams.hpp"
#include "posix/control_messages.hpp"
#include "posix/posix_error.hpp"
#include <array>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

int family_of(int socket) noexcept {
    NativeAddress address{};
    if (::getsockname(socket, address.get(), &address.size) == -1) return AF_UNSPEC;
    return address.storage.ss_family;
}

PackedError set(int socket, int level, int name, int value) noexcept {
    return outcome(::setsockopt(socket, level, name, &value, sizeof value));
}

} // namespace

DatagramResult receive_datagram(int socket, std::span<std::byte> into) noexcept {
    sockaddr_storage sender;
    alignas(cmsghdr) std::array<std::byte, control_bytes> control;
    iovec vector{into.data(), into.size()};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t bytes = retried([&] { return ::recvmsg(socket, &message, 0); });
    if (bytes < 0) return {0, false, {}, posix_error(errno)};
    DatagramResult result;
    result.bytes = static_cast<std::size_t>(bytes);
    result.is_truncated = (message.msg_flags & MSG_TRUNC) != 0;
    result.sender = from_native(&sender, message.msg_namelen);
    if (message.msg_controllen > 0)
        read_control(std::span(control).first(message.msg_controllen), result);
    return result;
}

PackedError check_bound_datagrams(int socket) noexcept {
    int kind = 0;
    socklen_t size = sizeof kind;
    if (::getsockopt(socket, SOL_SOCKET, SO_TYPE, &kind, &size) == -1) return posix_error(errno);
    NativeAddress address{};
    if (::getsockname(socket, address.get(), &address.size) == -1) return posix_error(errno);
    if (address.storage.ss_family != AF_INET && address.storage.ss_family != AF_INET6)
        return std::errc::address_family_not_supported;
    int protocol = IPPROTO_UDP;
#ifdef SO_PROTOCOL // a socket for echo requests is one of datagrams as well
    size = sizeof protocol;
    if (::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == -1)
        return posix_error(errno);
#endif
    if (kind != SOCK_DGRAM || protocol != IPPROTO_UDP) return std::errc::wrong_protocol_type;
    return from_native(address).port() == 0 ? PackedError(std::errc::invalid_argument)
                                            : PackedError();
}

// Both are a socket's own on Linux: a size at which whatever is sent is cut, and a cork behind
// which it waits to become one datagram.
void send_each_as_it_is([[maybe_unused]] int socket) noexcept {
#ifdef UDP_SEGMENT
    static_cast<void>(set(socket, IPPROTO_UDP, UDP_SEGMENT, 0));
#endif
#ifdef UDP_CORK
    static_cast<void>(set(socket, IPPROTO_UDP, UDP_CORK, 0));
#endif
}

PackedError tell_datagram_details(int socket) noexcept {
    PackedError error;
    const bool is_v6 = family_of(socket) == AF_INET6;
#ifdef IPV6_RECVPKTINFO
    if (is_v6) error = set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (is_v6 && !error) error = set(socket, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
#endif
#ifdef IP_PKTINFO
    if (!is_v6) error = set(socket, IPPROTO_IP, IP_PKTINFO, 1);
#endif
#ifdef IP_RECVTOS
    const PackedError v4_error = set(socket, IPPROTO_IP, IP_RECVTOS, 1);
    if (!is_v6 && !error) error = v4_error;
#endif
    return error;
}

#ifdef IP_RECVERR

PackedError set_datagram_icmp_policy(int socket, IcmpPolicy policy) noexcept {
    const int is_reported = policy == IcmpPolicy::report ? 1 : 0;
    const bool is_v6 = family_of(socket) == AF_INET6;
    const PackedError v4_error = set(socket, IPPROTO_IP, IP_RECVERR, is_reported);
    return is_v6 ? set(socket, IPPROTO_IPV6, IPV6_RECVERR, is_reported) : v4_error;
}

IcmpResult next_datagram_error(int socket) noexcept {
    NativeAddress peer{};
    alignas(cmsghdr) std::array<std::byte, control_bytes> control;
    msghdr message{}; // without room for the datagram itself, which is ours
    message.msg_name = peer.get();
    message.msg_namelen = peer.size;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (retried([&] { return ::recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT); }) == -1)
        return {{}, posix_error(errno)};
    IcmpResult result;
    result.report.peer = from_native(peer.get(), message.msg_namelen);
    // An entry of another kind is nothing to report, and there may be more behind it.
    if (!read_queued_error(std::span(control).first(message.msg_controllen), result.report))
        result.error = std::errc::interrupted;
    return result;
}

#else

PackedError set_datagram_icmp_policy(int, IcmpPolicy) noexcept { return {}; }
IcmpResult next_datagram_error(int) noexcept { return {{}, std::errc::operation_would_block}; }

#endif

} // namespace tidemill::detail
