// Memberships by the calls that serve both families (RFC 3678); options by the family's own names.
// IPv4 takes its options as single bytes on every system, IPv6 as an int.

#include "posix/posix_multicast.hpp"
#include "posix/posix_error.hpp"
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

template <class T> PackedError set(int socket, int level, int name, const T& value) noexcept {
    return outcome(::setsockopt(socket, level, name, &value, sizeof value));
}

bool is_v6(int socket) noexcept {
    NativeAddress address{};
    return ::getsockname(socket, address.get(), &address.size) == 0 &&
           address.storage.ss_family == AF_INET6;
}

PackedError set_for_v4(int socket, SocketOption option, int value) noexcept {
    switch (option) {
    case SocketOption::multicast_interface: {
        ip_mreqn request{};
        request.imr_ifindex = value;
        return set(socket, IPPROTO_IP, IP_MULTICAST_IF, request);
    }
    case SocketOption::multicast_loop:
        return set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, static_cast<unsigned char>(value));
    case SocketOption::multicast_hops:
        return set(socket, IPPROTO_IP, IP_MULTICAST_TTL, static_cast<unsigned char>(value));
    default: return Errc::not_supported;
    }
}

PackedError set_for_v6(int socket, SocketOption option, int value) noexcept {
    switch (option) {
    case SocketOption::multicast_interface:
        return set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, value);
    case SocketOption::multicast_loop: return set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, value);
    case SocketOption::multicast_hops: return set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, value);
    default: return Errc::not_supported;
    }
}

sockaddr_storage storage_of(const IpAddress& address) noexcept {
    return to_native(Endpoint(address, 0)).storage;
}

} // namespace

PackedError set_multicast_option(int socket, SocketOption option, int value) noexcept {
    return is_v6(socket) ? set_for_v6(socket, option, value) : set_for_v4(socket, option, value);
}

// A refusal is a kernel that is too old to be asked, or a socket of the other family.
void hear_own_groups_only([[maybe_unused]] int socket) noexcept {
#ifdef __linux__
    constexpr int off = 0;
    constexpr int ipv6_multicast_all = 29; // linux/in6.h; the C library has no name for it yet
    static_cast<void>(set(socket, IPPROTO_IP, IP_MULTICAST_ALL, off));
    static_cast<void>(set(socket, IPPROTO_IPV6, ipv6_multicast_all, off));
#endif
}

PackedError change_multicast_membership(int socket, const MembershipChange& change) noexcept {
    const int level = change.group.is_v4() ? IPPROTO_IP : IPPROTO_IPV6;
    if (change.source != nullptr) {
        group_source_req request{};
        request.gsr_interface = change.interface_index;
        request.gsr_group = storage_of(change.group);
        request.gsr_source = storage_of(*change.source);
        return set(socket, level,
                   change.is_joined ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, request);
    }
    group_req request{};
    request.gr_interface = change.interface_index;
    request.gr_group = storage_of(change.group);
    return set(socket, level, change.is_joined ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, request);
}

} // namespace tidemill::detail
