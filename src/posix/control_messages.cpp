#include "posix/control_messages.hpp"
#include "posix/posix_error.hpp"
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#ifdef __linux__
#include <linux/errqueue.h>
#endif

// Behind the system's headers.
#include "net/control_walk.hpp"
#include "net/native_address.hpp"

namespace tidemill::detail {
namespace {

struct Layout {
    using Header = cmsghdr;
    static constexpr std::size_t payload_at = CMSG_LEN(0);
    static constexpr std::size_t space(std::size_t size) noexcept { return CMSG_SPACE(size); }
};

using Message = ControlMessage;

} // namespace

void read_control(std::span<const std::byte> control, DatagramResult& into) noexcept {
    for (Message message; take_message<Layout>(control, message);) {
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
    for (Message message; take_message<Layout>(control, message);) {
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
