// IPv4 by the older options, which name an interface by its index in the place of an address
// (0.0.0.index): Wine knows these only. A source-specific group of IPv6 has the newer call alone.

#include "win32/windows_multicast.hpp"
#include "win32/windows.hpp"
#include "win32/winsock_error.hpp"
#include <cstring>

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

template <class T>
PackedError set(NativeSocket socket, int level, int name, const T& value) noexcept {
    return outcome(::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value),
                                static_cast<int>(sizeof value)));
}

bool is_v6(NativeSocket socket) noexcept {
    WSAPROTOCOL_INFOW info{};
    int size = static_cast<int>(sizeof info);
    return ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&info),
                        &size) == 0 &&
           info.iAddressFamily == AF_INET6;
}

template <class To> void copy_address(To& to, const IpAddress& from) noexcept {
    std::memcpy(&to, from.bytes().data(), std::min(sizeof to, from.bytes().size()));
}

DWORD interface_as_address(std::uint32_t index) noexcept { return htonl(index); }

PackedError change_v4(NativeSocket socket, const MembershipChange& change) noexcept {
    const DWORD interface_address = interface_as_address(change.interface_index);
    if (change.source != nullptr) {
        ip_mreq_source request{};
        copy_address(request.imr_multiaddr, change.group);
        copy_address(request.imr_sourceaddr, *change.source);
        request.imr_interface.s_addr = interface_address;
        return set(socket, IPPROTO_IP,
                   change.is_joined ? IP_ADD_SOURCE_MEMBERSHIP : IP_DROP_SOURCE_MEMBERSHIP,
                   request);
    }
    ip_mreq request{};
    copy_address(request.imr_multiaddr, change.group);
    request.imr_interface.s_addr = interface_address;
    return set(socket, IPPROTO_IP, change.is_joined ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
               request);
}

PackedError change_v6(NativeSocket socket, const MembershipChange& change) noexcept {
    if (change.source != nullptr) {
        GROUP_SOURCE_REQ request{};
        request.gsr_interface = change.interface_index;
        request.gsr_group = to_native(Endpoint(change.group, 0)).storage;
        request.gsr_source = to_native(Endpoint(*change.source, 0)).storage;
        return set(socket, IPPROTO_IPV6,
                   change.is_joined ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, request);
    }
    ipv6_mreq request{};
    copy_address(request.ipv6mr_multiaddr, change.group);
    request.ipv6mr_interface = change.interface_index;
    return set(socket, IPPROTO_IPV6, change.is_joined ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP,
               request);
}

} // namespace

PackedError set_multicast_option(NativeSocket socket, SocketOption option, int value) noexcept {
    const bool is_six = is_v6(socket);
    const int level = is_six ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP);
    switch (option) {
    case SocketOption::multicast_interface:
        if (is_six) return set(socket, level, IPV6_MULTICAST_IF, static_cast<DWORD>(value));
        return set(socket, level, IP_MULTICAST_IF,
                   interface_as_address(static_cast<std::uint32_t>(value)));
    case SocketOption::multicast_loop:
        return set(socket, level, is_six ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP,
                   static_cast<DWORD>(value));
    case SocketOption::multicast_hops:
        return set(socket, level, is_six ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL,
                   static_cast<DWORD>(value));
    default: return Errc::not_supported;
    }
}

PackedError change_multicast_membership(NativeSocket socket,
                                        const MembershipChange& change) noexcept {
    return change.group.is_v4() ? change_v4(socket, change) : change_v6(socket, change);
}

} // namespace tidemill::detail
