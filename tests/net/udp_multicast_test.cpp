// Groups on the loopback interface, and what is no group.
#include "net/udp_support.hpp"
#include "support/skips.hpp"

namespace tidemill {

using namespace udp_test;

namespace {

struct Group {
    const char* name;
    IpAddress address;
    IpAddress any;
    IpAddress stranger;
};

const Group groups[] = {
    {"IPv4", IpAddress::v4({239, 255, 77, 7}), IpAddress::any_v4(), IpAddress::v4({192, 0, 2, 1})},
    {"IPv6", IpAddress::v6({0xff, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77, 7}),
     IpAddress::any_v6(), IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})},
};

// Without a hop nothing leaves this machine, by whatever interface. Loopback is the first, but
// Linux has no way to groups of IPv6 there, so the others are tried as well.
struct Members {
    explicit Members(const Group& group, std::uint32_t first_index = 1)
        : near(or_throw(UdpSocket::bind(loop, Endpoint(group.any, 0)))),
          sender(or_throw(UdpSocket::bind(loop, Endpoint(group.any, 0)))),
          to(group.address, near->endpoint().port()) {
        REQUIRE(sender->set_multicast_loop(true));
        REQUIRE(sender->set_multicast_hops(0));
        for (std::uint32_t index = first_index; index <= 8 && choice.interface_index == 0; ++index)
            if (sender->set_multicast_interface(index) &&
                loop.run(Pair::send(*sender, "is there a way?", to)))
                choice.interface_index = index;
    }
    [[nodiscard]] bool has_way() const {
        if (choice.interface_index == 0) support::skip_case("no interface here takes such groups");
        return choice.interface_index != 0;
    }
    void send(std::string_view text) {
        REQUIRE(loop.run(Pair::send(*sender, std::string(text), to)));
    }
    Result<Datagram> receive(Deadline deadline = within(ceiling)) {
        return loop.run(Pair::receive(*near, deadline));
    }

    EventLoop loop;
    SocketPointer near;
    SocketPointer sender;
    Endpoint to;
    GroupChoice choice;
};

} // namespace

TEST_CASE("a group is heard from join to leave, whoever sends") {
    for (const Group& group : groups) {
        CAPTURE(std::string(group.name));
        Members members(group);
        if (!members.has_way()) continue;
        members.send("too early");
        REQUIRE(members.near->join_group(group.address, members.choice));
        members.send("heard");
        const auto got = members.receive();
        REQUIRE(got);
        CHECK(got->payload.text() == "heard");
        REQUIRE(members.near->leave_group(group.address, members.choice));
        members.send("too late");
        CHECK(!members.receive(within(0s)));
        CHECK_FALSE(members.near->leave_group(group.address, members.choice));
    }
}

TEST_CASE("a group that only another socket has joined is not heard") {
    for (const Group& group : groups) {
        CAPTURE(std::string(group.name));
        Members members(group);
        if (!members.has_way()) continue;
        const SocketPointer other = or_throw(UdpSocket::bind(members.loop, Endpoint(group.any, 0)));
        REQUIRE(other->join_group(group.address, members.choice));
        members.send("not for you");
        const auto got = members.receive(within(0s));
        REQUIRE(!got);
        CHECK(got.error() == Errc::deadline_expired);
    }
}

TEST_CASE("a source-specific group is heard from that source only") {
    for (const Group& group : groups) {
        CAPTURE(std::string(group.name));
        Members members(group);
        if (!members.has_way()) continue;
        REQUIRE(members.near->join_group(group.address, members.choice));
        members.send("who am I?");
        const auto first = members.receive();
        REQUIRE(first);
        REQUIRE(members.near->leave_group(group.address, members.choice));

        GroupChoice choice = members.choice;
        choice.source = group.stranger;
        REQUIRE(members.near->join_group(group.address, choice));
        members.send("from another");
        CHECK(!members.receive(within(0s)));
        REQUIRE(members.near->leave_group(group.address, choice));
        choice.source = first->sender.address();
        REQUIRE(members.near->join_group(group.address, choice));
        members.send("from the right one");
        const auto got = members.receive();
        REQUIRE(got);
        CHECK(got->payload.text() == "from the right one");
        REQUIRE(members.near->leave_group(group.address, choice));
    }
}

TEST_CASE("without the loop this machine does not hear what it sends to a group") {
    Members members(groups[0], 2); // what loopback takes comes back in any case
    if (!members.has_way()) return;
    REQUIRE(members.near->join_group(groups[0].address, members.choice));
    REQUIRE(members.sender->set_multicast_loop(false));
    members.send("not for us");
    REQUIRE(members.sender->set_multicast_loop(true));
    members.send("for us");
    const auto got = members.receive();
    REQUIRE(got);
    CHECK(got->payload.text() == "for us");
}

TEST_CASE("what is no group is refused by name, and hops have bounds") {
    EventLoop loop;
    const auto socket = or_throw(UdpSocket::bind(loop, any_port_v4));
    const auto refused = socket->join_group(IpAddress::loopback_v4());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::invalid_argument);
    CHECK(refused.error().message().find("127.0.0.1") != std::string::npos);
    GroupChoice mixed;
    mixed.source = IpAddress::loopback_v6();
    CHECK(socket->join_group(groups[0].address, mixed).error() == std::errc::invalid_argument);
    CHECK(socket->set_multicast_hops(256).error() == std::errc::invalid_argument);
    CHECK(socket->set_multicast_hops(255));
    socket->close();
    CHECK(socket->join_group(groups[0].address).error() == Errc::closed_locally);
    CHECK(socket->set_multicast_loop(true).error() == Errc::closed_locally);
}

} // namespace tidemill
