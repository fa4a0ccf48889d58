#include "win32/windows_datagrams.hpp"
#include "win32/windows.hpp"
#include "win32/winsock.hpp"
#include "win32/winsock_error.hpp"
#include <atomic>

#include "net/native_address.hpp" // behind the system's headers

// Missing in older headers.
#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

namespace tidemill::detail {
namespace {

std::atomic<std::uint64_t> refused_policies{0};

} // namespace

// The name of a socket that is not bound is invalid_argument to the system as well.
PackedError check_bound_datagrams(NativeSocket socket) noexcept {
    WSAPROTOCOL_INFOW info{};
    int size = static_cast<int>(sizeof info);
    if (::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&info),
                     &size) != 0)
        return last_socket_error();
    if (info.iAddressFamily != AF_INET && info.iAddressFamily != AF_INET6)
        return std::errc::address_family_not_supported;
    if (info.iSocketType != SOCK_DGRAM || info.iProtocol != IPPROTO_UDP)
        return std::errc::wrong_protocol_type;
    NativeAddress address{};
    if (::getsockname(socket, address.get(), &address.size) != 0) return last_socket_error();
    return from_native(address).port() == 0 ? PackedError(std::errc::invalid_argument)
                                            : PackedError();
}

// Failures are counted, not fatal: older systems, and Wine, do not know both of them.
void set_datagram_icmp_policy(NativeSocket socket, IcmpPolicy policy) noexcept {
    for (const DWORD what : {DWORD{SIO_UDP_CONNRESET}, DWORD{SIO_UDP_NETRESET}}) {
        BOOL is_reported = policy == IcmpPolicy::report ? TRUE : FALSE;
        DWORD bytes = 0;
        if (::WSAIoctl(socket, what, &is_reported, sizeof is_reported, nullptr, 0, &bytes, nullptr,
                       nullptr) != 0)
            refused_policies.fetch_add(1, std::memory_order_relaxed);
    }
}

std::uint64_t refused_icmp_policies() noexcept {
    return refused_policies.load(std::memory_order_relaxed);
}

} // namespace tidemill::detail
