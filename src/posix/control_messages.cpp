// The walk over control messages is our own and checks every length: the system's macros trust what
// they are given. Payloads are copied out, since nothing is said about their alignment.

#include "posix/control_messages.hpp"
#include "posix/posix_error.hpp"
#include <cstring>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#ifdef __linux__
#include <linux/errqueue.h>
#endif

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

struct Message {
    int level = 0;
    int type = 0;
    std::span<const std::byte> payload;

    [[nodiscard]] bool is(int wanted_level, int wanted_type) const noexcept {
        return level == wanted_level && type == wanted_type;
    }
    /// The payload as a T; false if it is shorter.
    template <class T> [[nodiscard]] bool get(T& value) const noexcept {
        if (payload.size() < sizeof value) return false;
        std::memcpy(&value, payload.data(), sizeof value);
        return true;
    }
};

/// Takes the first message off; false at the end, or where the bytes make no sense any more.
bool take_message(std::span<const std::byte>& control, Message& message) noexcept {
    cmsghdr header{};
    constexpr std::size_t payload_at = CMSG_LEN(0);
    if (control.size() < sizeof header) return false;
    std::memcpy(&header, control.data(), sizeof header);
    const auto length = static_cast<std::size_t>(header.cmsg_len);
    if (length < payload_at || length > control.size()) return false;
    message = {header.cmsg_level, header.cmsg_type,
               control.subspan(payload_at, length - payload_at)};
    const std::size_t space = CMSG_SPACE(length - payload_at); // no overflow: it fits into control
    control = control.subspan(std::min(space, control.size()));
    return true;
}

Ecn ecn_of(unsigned traffic_class) noexcept { return static_cast<Ecn>(traffic_class & 3U); }

void read_ecn(const Message& message, Ecn& into) noexcept {
    // One byte on Linux over IPv4, an int elsewhere.
    unsigned char narrow = 0;
    int wide = 0;
    if (message.payload.size() >= sizeof wide && message.get(wide)) {
        into = ecn_of(static_cast<unsigned>(wide));
    } else if (message.get(narrow)) {
        into = ecn_of(narrow);
    }
}

#ifdef IP_PKTINFO
void read_v4_destination(const Message& message, DatagramResult& into) noexcept {
    in_pktinfo info{};
    if (!message.get(info)) return;
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &info.ipi_addr, bytes.size());
    into.own_address = IpAddress::v4(bytes);
    into.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
}
#endif

#ifdef IPV6_PKTINFO
void read_v6_destination(const Message& message, DatagramResult& into) noexcept {
    in6_pktinfo info{};
    if (!message.get(info)) return;
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
    into.interface_index = info.ipi6_ifindex;
    const IpAddress address = IpAddress::v6(bytes);
    into.own_address = address.is_link_local() ? IpAddress::v6(bytes, info.ipi6_ifindex) : address;
}
#endif

} // namespace

void read_control(std::span<const std::byte> control, DatagramResult& into) noexcept {
    for (Message message; take_message(control, message);) {
#ifdef IP_PKTINFO
        if (message.is(IPPROTO_IP, IP_PKTINFO)) read_v4_destination(message, into);
#endif
#ifdef IPV6_PKTINFO
        if (message.is(IPPROTO_IPV6, IPV6_PKTINFO)) read_v6_destination(message, into);
#endif
        if (message.is(IPPROTO_IP, IP_TOS)) read_ecn(message, into.ecn);
#ifdef IP_RECVTOS
        if (message.is(IPPROTO_IP, IP_RECVTOS)) read_ecn(message, into.ecn);
#endif
#ifdef IPV6_TCLASS
        if (message.is(IPPROTO_IPV6, IPV6_TCLASS)) read_ecn(message, into.ecn);
#endif
#ifdef UDP_GRO
        int segment_bytes = 0;
        if (message.is(IPPROTO_UDP, UDP_GRO) && message.get(segment_bytes) && segment_bytes > 0)
            into.segment_bytes = static_cast<std::size_t>(segment_bytes);
#endif
    }
}

#ifdef __linux__
namespace {

IcmpReport::Origin origin_of(unsigned char number) noexcept {
    switch (number) {
    case SO_EE_ORIGIN_ICMP: return IcmpReport::Origin::icmp;
    case SO_EE_ORIGIN_ICMP6: return IcmpReport::Origin::icmp6;
    default: return IcmpReport::Origin::untold;
    }
}

} // namespace

bool read_queued_error(std::span<const std::byte> control, IcmpReport& into) noexcept {
    for (Message message; take_message(control, message);) {
        sock_extended_err error{};
        if (!message.is(IPPROTO_IP, IP_RECVERR) && !message.is(IPPROTO_IPV6, IPV6_RECVERR))
            continue;
        if (!message.get(error) || error.ee_errno == 0 || error.ee_errno > 4095) continue;
        if (error.ee_origin == SO_EE_ORIGIN_LOCAL) continue; // the send itself has told
        into.origin = origin_of(error.ee_origin);
        into.type = error.ee_type;
        into.code = error.ee_code;
        into.error = posix_error(static_cast<int>(error.ee_errno)).code();
        into.mtu = error.ee_errno == EMSGSIZE ? error.ee_info : 0;
        const auto reporter = message.payload.subspan(sizeof error);
        into.reporter = from_native(reporter.data(), reporter.size()).address();
        return true;
    }
    return false;
}
#else
bool read_queued_error(std::span<const std::byte>, IcmpReport&) noexcept { return false; }
#endif

} // namespace tidemill::detail
