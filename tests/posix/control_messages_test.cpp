// Control messages as bytes: what the kernel would never send is taken as well.
#include "posix/control_messages.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <random>
#include <sys/socket.h>
#include <vector>

namespace tidemill {
namespace {

using ByteVector = std::vector<std::byte>;

// Appends one message; its length may be a lie.
void append(ByteVector& control, int level, int type, const void* payload, std::size_t size) {
    const std::size_t at = control.size();
    control.resize(at + CMSG_SPACE(size));
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(size);
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::memcpy(control.data() + at, &header, sizeof header);
    std::memcpy(control.data() + at + CMSG_LEN(0), payload, size);
}

detail::DatagramResult read(std::span<const std::byte> control) {
    detail::DatagramResult result;
    detail::read_control(control, result);
    return result;
}

} // namespace

TEST_CASE("own address, interface, mark and size of segments are read, in any order") {
    in_pktinfo where{};
    where.ipi_ifindex = 7;
    where.ipi_addr.s_addr = htonl(0x7f000005);
    const unsigned char tos = 0xb9; // the upper six bits are none of it
    const int segment = 1200;
    ByteVector control;
    append(control, IPPROTO_UDP, UDP_GRO, &segment, sizeof segment);
    append(control, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    append(control, IPPROTO_IP, IP_PKTINFO, &where, sizeof where);
    const detail::DatagramResult result = read(control);
    CHECK(result.own_address == IpAddress::v4({127, 0, 0, 5}));
    CHECK(result.interface_index == 7);
    CHECK(result.ecn == Ecn::capable_1);
    CHECK(result.segment_bytes == 1200);
}

TEST_CASE("messages that are cut, lie about their length or are unknown are passed over") {
    const int mark = 3;
    ByteVector whole;
    append(whole, IPPROTO_IPV6, IPV6_TCLASS, &mark, sizeof mark);
    CHECK(read(whole).ecn == Ecn::congested);
    for (std::size_t size = 0; size < CMSG_LEN(1); ++size)
        CHECK(read(std::span(whole).first(size)).ecn == Ecn::not_capable);
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{15},
                                     whole.size() + 1, ~std::size_t{0}, ~std::size_t{0} / 2}) {
        ByteVector lying = whole;
        std::memcpy(lying.data(), &length, sizeof length); // cmsg_len comes first
        CHECK(read(lying).ecn == Ecn::not_capable);
    }
    ByteVector unknown;
    append(unknown, 12345, 678, &mark, sizeof mark);
    append(unknown, IPPROTO_IPV6, IPV6_TCLASS, &mark, sizeof mark);
    CHECK(read(unknown).ecn == Ecn::congested);
}

TEST_CASE("any bytes at all are taken by both parsers") {
    std::mt19937 random(7);
    int queued = 0;
    for (int round = 0; round < 100'000; ++round) {
        ByteVector control(random() % 96);
        for (std::byte& each : control) each = static_cast<std::byte>(random());
        // Plausible headers, so that the payloads are reached as well.
        if (control.size() >= sizeof(cmsghdr)) {
            cmsghdr header{};
            header.cmsg_len = random() % 100;
            header.cmsg_level = random() % 2 != 0 ? IPPROTO_IP : IPPROTO_IPV6;
            constexpr int types[] = {IP_PKTINFO,   IP_TOS,      IP_RECVERR,
                                     IPV6_RECVERR, IPV6_TCLASS, IPV6_PKTINFO};
            header.cmsg_type = types[random() % std::size(types)];
            std::memcpy(control.data(), &header, sizeof header);
        }
        static_cast<void>(read(control));
        IcmpReport report;
        queued += detail::read_queued_error(control, report) ? 1 : 0;
    }
    CHECK(queued < 100'000);
}

} // namespace tidemill
