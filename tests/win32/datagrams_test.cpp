// Control messages as bytes, whatever a Windows may send, and the plain call without them.
#include "support/os.hpp"
#include "win32/windows.hpp"
#include "win32/windows_datagrams.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <random>
#include <string_view>
#include <vector>

namespace tidemill {
namespace {

using Bytes = std::vector<std::byte>;

constexpr int ecn_alone = 50; // IP_ECN and IPV6_ECN, which older headers lack

// Appends one message, as Windows lays it out.
void append(Bytes& control, int level, int type, const void* payload, std::size_t size) {
    const std::size_t at = control.size();
    control.resize(at + WSA_CMSG_SPACE(size));
    WSACMSGHDR header{};
    header.cmsg_len = WSA_CMSG_LEN(size);
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::memcpy(control.data() + at, &header, sizeof header);
    std::memcpy(control.data() + at + WSA_CMSG_LEN(0), payload, size);
}

detail::DatagramResult read(std::span<const std::byte> control) {
    detail::DatagramResult result;
    detail::read_control(control, result);
    return result;
}

struct Mark {
    int level;
    int type;
    int value;
    Ecn ecn;
};

} // namespace

TEST_CASE("own address, interface and each kind of mark are read, in any order") {
    const Mark marks[] = {
        {IPPROTO_IP, IP_TOS, 0xb9, Ecn::capable_1}, // the upper six bits are none of it
        {IPPROTO_IP, ecn_alone, 2, Ecn::capable_0},
        {IPPROTO_IPV6, IPV6_TCLASS, 0xff, Ecn::congested},
        {IPPROTO_IPV6, ecn_alone, 3, Ecn::congested},
        {IPPROTO_IP, IP_TTL, 3, Ecn::not_capable},
    };
    in_pktinfo v4{};
    v4.ipi_addr.s_addr = htonl(0x7f000005);
    v4.ipi_ifindex = 7;
    in6_pktinfo v6{};
    v6.ipi6_addr.s6_addr[0] = 0xfe; // of a link, which the interface names
    v6.ipi6_addr.s6_addr[1] = 0x80;
    v6.ipi6_addr.s6_addr[15] = 1;
    v6.ipi6_ifindex = 9;
    for (const Mark& mark : marks) {
        for (const bool is_mark_first : {false, true}) {
            CAPTURE(mark.type);
            const bool is_v4 = mark.level == IPPROTO_IP;
            Bytes control;
            if (is_mark_first) append(control, mark.level, mark.type, &mark.value, sizeof(int));
            if (is_v4) append(control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
            if (!is_v4) append(control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
            if (!is_mark_first) append(control, mark.level, mark.type, &mark.value, sizeof(int));
            const detail::DatagramResult result = read(control);
            CHECK(result.own_address.to_string() == (is_v4 ? "127.0.0.5" : "fe80::1%9"));
            CHECK(result.interface_index == (is_v4 ? 7 : 9));
            CHECK(result.ecn == mark.ecn);
        }
    }
}

TEST_CASE("control messages that are cut or lie about their length are passed over") {
    const int mark = 3;
    Bytes whole;
    append(whole, IPPROTO_IPV6, IPV6_TCLASS, &mark, sizeof mark);
    CHECK(read(whole).ecn == Ecn::congested);
    for (std::size_t size = 0; size < WSA_CMSG_LEN(1); ++size)
        CHECK(read(std::span(whole).first(size)).ecn == Ecn::not_capable);
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{15},
                                     whole.size() + 1, ~std::size_t{0}, ~std::size_t{0} / 2}) {
        Bytes lying = whole;
        std::memcpy(lying.data(), &length, sizeof length); // cmsg_len comes first
        CHECK(read(lying).ecn == Ecn::not_capable);
    }
}

TEST_CASE("any bytes at all are taken as control messages of Windows") {
    std::mt19937 random(11);
    int told = 0;
    for (int round = 0; round < 100'000; ++round) {
        Bytes control(random() % 96);
        for (std::byte& each : control) each = static_cast<std::byte>(random());
        if (control.size() >= sizeof(WSACMSGHDR)) {
            WSACMSGHDR header{};
            header.cmsg_len = random() % 100;
            header.cmsg_level = random() % 2 != 0 ? IPPROTO_IP : IPPROTO_IPV6;
            constexpr int types[] = {IP_PKTINFO, IP_TOS, IPV6_TCLASS, IPV6_PKTINFO, ecn_alone};
            header.cmsg_type = types[random() % std::size(types)];
            std::memcpy(control.data(), &header, sizeof header);
        }
        const detail::DatagramResult result = read(control);
        told += result.interface_index != 0 || result.ecn != Ecn::not_capable ? 1 : 0;
        REQUIRE(static_cast<unsigned>(result.ecn) <= 3);
        REQUIRE(result.bytes == 0);
    }
    CHECK(told > 1'000);
    CHECK(told < 100'000);
}

TEST_CASE("without WSARecvMsg datagrams come with their senders, and are cut, the same way") {
    detail::Sockets& sockets = detail::native_sockets();
    const Endpoint any(IpAddress::loopback_v4(), 0);
    const auto near = sockets.open(any.address(), detail::SocketKind::datagram);
    const auto far = sockets.open(any.address(), detail::SocketKind::datagram);
    REQUIRE_FALSE(sockets.bind(near.socket, any));
    REQUIRE_FALSE(sockets.bind(far.socket, any));
    REQUIRE_FALSE(sockets.set_option(near.socket, detail::SocketOption::datagram_details, 1));
    const Endpoint to = sockets.local_endpoint(near.socket).endpoint;
    const std::string_view text = "seven b";
    std::array<std::byte, 16> memory{};
    const auto came = [&](std::size_t room, bool is_plain) {
        const auto sent = sockets.send_to(far.socket, std::as_bytes(std::span(text)), &to);
        REQUIRE_FALSE(sent.error);
        std::array polled{support::Polled{near.socket, true}};
        REQUIRE(support::poll_sockets(polled, 5'000) == 1);
        const auto into = std::span(memory).first(room);
        return is_plain ? detail::receive_plain_datagram(near.socket, into)
                        : detail::receive_datagram(near.socket, into);
    };
    for (const std::size_t room : {std::size_t{16}, std::size_t{7}, std::size_t{3}}) {
        const auto plain = came(room, true);
        const auto full = came(room, false);
        for (const detail::DatagramResult& each : {plain, full}) {
            CHECK_FALSE(each.error);
            CHECK(each.bytes == std::min(room, text.size()));
            CHECK(each.is_truncated == (room < text.size()));
            CHECK(each.sender == sockets.local_endpoint(far.socket).endpoint);
        }
        CHECK(plain.interface_index == 0);
        CHECK(plain.own_address == IpAddress());
        CHECK(full.interface_index == 1);
        CHECK(full.own_address == any.address());
    }
    for (const auto receive : {detail::receive_plain_datagram, detail::receive_datagram})
        CHECK(receive(near.socket, memory).error ==
              detail::PackedError(std::errc::operation_would_block));
    sockets.close(near.socket);
    sockets.close(far.socket);
}

} // namespace tidemill
