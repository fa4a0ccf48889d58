// One datagram a call, with what the system tells of it, and the ICMP policy.
//
// What comes besides the bytes is told by WSARecvMsg alone, which no library exports: the system is
// asked for its address. Without it there is the plain call. Marks are asked for by the option that
// tells them alone, which Windows has since build 20348 (Windows 11, Server 2022), else by the one
// that tells the whole byte: Wine 8 knows only that. Wine delivers all of this, and reports a
// datagram that was cut by the error that Windows is documented to give, WSAEMSGSIZE.

#include "win32/windows_datagrams.hpp"
#include "win32/windows.hpp"
#include "win32/winsock.hpp"
#include "win32/winsock_error.hpp"
#include <array>
#include <atomic>

// Behind the system's headers.
#include "net/control_walk.hpp"
#include "net/native_address.hpp"

// Missing in older headers.
#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif
#ifndef IP_ECN
#define IP_ECN 50
#endif
#ifndef IPV6_ECN
#define IPV6_ECN 50
#endif
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2
#endif
#ifndef UDP_RECV_MAX_COALESCED_SIZE
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif

namespace tidemill::detail {
namespace {

constexpr std::size_t most_bytes_per_receive = std::size_t{1} << 30;
/// Enough for all that a socket may have been asked to tell.
constexpr std::size_t control_bytes = 256;

std::atomic<std::uint64_t> refused_policies{0};

struct Layout {
    using Header = WSACMSGHDR;
    static constexpr std::size_t payload_at = WSA_CMSG_LEN(0);
    static constexpr std::size_t space(std::size_t size) noexcept { return WSA_CMSG_SPACE(size); }
};

/// Null: this system has none.
LPFN_WSARECVMSG find_receive_call(NativeSocket socket) noexcept {
    GUID name = WSAID_WSARECVMSG;
    LPFN_WSARECVMSG call = nullptr;
    DWORD bytes = 0;
    const int result = ::WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name,
                                  &call, sizeof call, &bytes, nullptr, nullptr);
    return result == 0 ? call : nullptr;
}

PackedError protocol_of(NativeSocket socket, WSAPROTOCOL_INFOW& info) noexcept {
    int size = static_cast<int>(sizeof info);
    return outcome(
        ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&info), &size));
}

PackedError set(NativeSocket socket, int level, int name, DWORD value) noexcept {
    return outcome(::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value),
                                static_cast<int>(sizeof value)));
}

// Only the first is worth an error: the marks are told as far as the system can.
PackedError tell_details(NativeSocket socket, int level, int destination, int mark,
                         int traffic_class) noexcept {
    const PackedError error = set(socket, level, destination, 1);
    if (set(socket, level, mark, 1)) static_cast<void>(set(socket, level, traffic_class, 1));
    return error;
}

// A socket of IPv6 names an IPv4 address mapped, as it does the sender's.
void map_own_address(DatagramResult& result) noexcept {
    const bool is_told = result.own_address.is_v4() && !result.own_address.is_any();
    if (!is_told || !result.sender.address().is_v6()) return;
    std::array<std::uint8_t, 16> bytes{};
    bytes[10] = bytes[11] = 0xff;
    const auto inner = result.own_address.bytes();
    std::copy(inner.begin(), inner.end(), bytes.begin() + 12);
    result.own_address = IpAddress::v6(bytes);
}

DatagramResult receive_message(LPFN_WSARECVMSG call, NativeSocket socket,
                               std::span<std::byte> into) noexcept {
    NativeAddress sender{};
    alignas(WSACMSGHDR) std::array<std::byte, control_bytes> control;
    WSABUF buffer{static_cast<ULONG>(std::min(into.size(), most_bytes_per_receive)),
                  reinterpret_cast<char*>(into.data())};
    WSAMSG message{};
    message.name = sender.get();
    message.namelen = sender.size;
    message.lpBuffers = &buffer;
    message.dwBufferCount = 1;
    message.Control = {static_cast<ULONG>(control.size()), reinterpret_cast<char*>(control.data())};
    DWORD bytes = 0;
    DatagramResult result;
    if (call(socket, &message, &bytes, nullptr, nullptr) != 0) {
        const int number = ::WSAGetLastError();
        if (number != WSAEMSGSIZE) return {0, false, {}, translated_datagram_error(number)};
        bytes = buffer.len; // the rest of the datagram is gone, as elsewhere
        result.is_truncated = true;
    }
    result.bytes = bytes;
    result.is_truncated = result.is_truncated || (message.dwFlags & MSG_TRUNC) != 0;
    result.sender = from_native(sender);
    read_control(
        std::span(control).first(std::min<std::size_t>(message.Control.len, control_bytes)),
        result);
    map_own_address(result);
    return result;
}

} // namespace

DatagramResult receive_datagram(NativeSocket socket, std::span<std::byte> into) noexcept {
    static const LPFN_WSARECVMSG call = find_receive_call(socket);
    return call != nullptr ? receive_message(call, socket, into)
                           : receive_plain_datagram(socket, into);
}

DatagramResult receive_plain_datagram(NativeSocket socket, std::span<std::byte> into) noexcept {
    const int size = static_cast<int>(std::min(into.size(), most_bytes_per_receive));
    NativeAddress sender{};
    const int bytes = ::recvfrom(socket, reinterpret_cast<char*>(into.data()), size, 0,
                                 sender.get(), &sender.size);
    if (bytes >= 0) return {static_cast<std::size_t>(bytes), false, from_native(sender), {}};
    const int number = ::WSAGetLastError();
    if (number == WSAEMSGSIZE) // as above
        return {static_cast<std::size_t>(size), true, from_native(sender), {}};
    return {0, false, {}, translated_datagram_error(number)};
}

void read_control(std::span<const std::byte> control, DatagramResult& into) noexcept {
    for (ControlMessage message; take_message<Layout>(control, message);) {
        if (message.is(IPPROTO_IP, IP_PKTINFO)) read_v4_destination(message, into);
        if (message.is(IPPROTO_IPV6, IPV6_PKTINFO)) read_v6_destination(message, into);
        if (message.is(IPPROTO_IP, IP_TOS) || message.is(IPPROTO_IP, IP_ECN) ||
            message.is(IPPROTO_IPV6, IPV6_TCLASS) || message.is(IPPROTO_IPV6, IPV6_ECN))
            read_ecn(message, into.ecn);
    }
}

// Sizes at which what is sent is cut, and up to which what comes is put together.
void send_each_as_it_is(NativeSocket socket) noexcept {
    for (const int name : {UDP_SEND_MSG_SIZE, UDP_RECV_MAX_COALESCED_SIZE})
        static_cast<void>(set(socket, IPPROTO_UDP, name, 0));
}

// A socket of IPv6 serves IPv4 as well, unless it was told not to: then it refuses the options of
// IPv4, and needs none of them.
PackedError tell_datagram_details(NativeSocket socket) noexcept {
    WSAPROTOCOL_INFOW info{};
    if (const PackedError error = protocol_of(socket, info)) return error;
    const PackedError v4_error = tell_details(socket, IPPROTO_IP, IP_PKTINFO, IP_ECN, IP_RECVTOS);
    if (info.iAddressFamily != AF_INET6) return v4_error;
    return tell_details(socket, IPPROTO_IPV6, IPV6_PKTINFO, IPV6_ECN, IPV6_RECVTCLASS);
}

// The name of a socket that is not bound is invalid_argument to the system as well.
PackedError check_bound_datagrams(NativeSocket socket) noexcept {
    WSAPROTOCOL_INFOW info{};
    if (const PackedError error = protocol_of(socket, info)) return error;
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
