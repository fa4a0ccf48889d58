// UDP sockets whose maker has used what only Linux has, and sockets that look like them.
#include "core/sockets.hpp"
#include "net/udp_batch_support.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace tidemill {

using namespace udp_test;

namespace {

int bound_socket() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    REQUIRE(socket != -1);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0);
    return socket;
}

int value_of(int socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket, level, name, &value, &size) == 0);
    return value;
}

void set(int socket, int name, int value) {
    REQUIRE(::setsockopt(socket, IPPROTO_UDP, name, &value, sizeof value) == 0);
}

} // namespace

TEST_CASE("local sockets and sockets of other protocols are not adopted as UDP sockets") {
    EventLoop loop;
    const int local = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    REQUIRE(local != -1);
    sockaddr_un unnamed{};
    unnamed.sun_family = AF_UNIX; // the kernel finds a name
    REQUIRE(::bind(local, reinterpret_cast<const sockaddr*>(&unnamed), sizeof(sa_family_t)) == 0);
    CHECK(UdpSocket::adopt(loop, local).error() == std::errc::address_family_not_supported);
    CHECK(::close(local) == 0);
    // UDP-Lite, else a raw one: whichever this machine lets us have.
    int other = ::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
    if (other == -1) other = ::socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    if (other == -1) {
        MESSAGE("skipped: neither UDP-Lite nor raw sockets here");
        return;
    }
    CHECK(UdpSocket::adopt(loop, other).error() == std::errc::wrong_protocol_type);
    CHECK(::close(other) == 0);
}

TEST_CASE("an adopted socket with a fixed peer reports refused datagrams, whoever is the peer") {
    EventLoop loop;
    const Endpoint dead = dead_port(loop);
    const int socket = bound_socket();
    REQUIRE_FALSE(detail::native_sockets().connect(socket, dead));
    const auto adopted = or_throw(UdpSocket::adopt(loop, socket));
    const auto talk = [&]() -> Task<void> {
        CHECK(co_await adopted->send("anybody?"));
        const auto refused = co_await adopted->receive(within(ceiling));
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == std::errc::connection_refused);
        CHECK(adopted->last_icmp_report().peer == dead);
    };
    loop.run(talk());
}

TEST_CASE("datagrams that an adopted socket was made to put together come apart") {
    for (const bool gathers : {false, true}) {
        EventLoop loop;
        const int socket = bound_socket();
        set(socket, UDP_GRO, 1);
        UdpOptions options;
        options.gathers_input = gathers;
        const auto adopted = or_throw(UdpSocket::adopt(loop, socket, options));
        const auto far = or_throw(UdpSocket::bind(loop, any_port_v4));
        SendBatch run;
        for (const char* const each : {"one", "two", "six"})
            REQUIRE(run.add(each, adopted->endpoint()));
        const auto send = [&]() -> Task<SendOutcome> { co_return co_await far->send_many(run); };
        REQUIRE(loop.run(send()).sent == 3);
        for (const char* const each : {"one", "two", "six"}) {
            const auto got = loop.run(Pair::receive(*adopted, within(ceiling)));
            REQUIRE(got);
            CHECK(got->payload.text() == each);
        }
    }
}

TEST_CASE("an adopted socket sends each datagram at once and whole, whatever its maker wanted") {
    EventLoop loop;
    const auto far = or_throw(UdpSocket::bind(loop, any_port_v4));
    const int socket = bound_socket();
    set(socket, UDP_SEGMENT, 4);
    set(socket, UDP_CORK, 1);
    const auto adopted = or_throw(UdpSocket::adopt(loop, socket));
    CHECK(value_of(socket, IPPROTO_UDP, UDP_SEGMENT) == 0);
    CHECK(value_of(socket, IPPROTO_UDP, UDP_CORK) == 0);
    REQUIRE(loop.run(Pair::send(*adopted, "not in pieces", far->endpoint())));
    const auto got = loop.run(Pair::receive(*far, within(ceiling)));
    REQUIRE(got);
    CHECK(got->payload.text() == "not in pieces");
}

} // namespace tidemill
