// What a datagram tells besides its bytes.
#include "net/udp_batch_support.hpp"
#include "support/os.hpp"

#include <array>

namespace tidemill {

using namespace udp_test;

namespace {

/// The loopback interface is the first wherever these tests run.
constexpr std::uint32_t loopback_index = 1;

Endpoint everywhere(bool is_v4) { return {is_v4 ? IpAddress::any_v4() : IpAddress::any_v6(), 0}; }

/// The mark that `socket` sends from now on; none where the system has no way.
Ecn marked(const UdpSocket& socket, bool is_v4) {
    const bool is_marked =
        support::mark_outgoing(socket.native_handle(), is_v4, static_cast<int>(Ecn::capable_0));
    if (is_v4)
        REQUIRE(is_marked == (!support::os_facts().is_windows || support::os_facts().is_wine));
    return is_marked ? Ecn::capable_0 : Ecn::not_capable;
}

void check(const DatagramHeader& header, const IpAddress& own_address, Ecn mark) {
    CHECK(header.own_address == own_address);
    CHECK(header.interface_index == loopback_index);
    CHECK(header.ecn == mark);
}

} // namespace

TEST_CASE("own address, interface and mark of a datagram are told, in every way of receiving") {
    for (const Endpoint& local : {any_port_v4, any_port_v6}) {
        for (const UdpOptions& options : every_way()) {
            CAPTURE(local.to_string());
            CAPTURE(way_of(options));
            const bool is_v4 = local.address().is_v4();
            EventLoop loop;
            const auto near = or_throw(UdpSocket::bind(loop, everywhere(is_v4), options));
            const auto far = or_throw(UdpSocket::bind(loop, local));
            const Endpoint to(local.address(), near->endpoint().port());
            const Ecn mark = marked(*far, is_v4);
            ReceiveBatch batch;
            std::array<std::byte, 16> memory{};
            const auto talk = [&]() -> Task<void> {
                CHECK(co_await far->send("one", to));
                const auto one = co_await near->receive(within(ceiling));
                REQUIRE(one);
                check(*one, local.address(), mark);
                CHECK(co_await far->send("two", to));
                const auto many = co_await near->receive_many(batch, within(ceiling));
                REQUIRE(many);
                const DatagramView two = *batch.begin();
                check(two.header(), local.address(), mark);
                CHECK(co_await far->send("three", to));
                const auto three = co_await near->receive(memory, within(ceiling));
                REQUIRE(three);
                check(*three, local.address(), mark);
            };
            loop.run(talk());
        }
    }
}

TEST_CASE("a socket of both families names own address and sender of IPv4 mapped") {
    EventLoop loop;
    const auto near = or_throw(UdpSocket::bind(loop, everywhere(false)));
    const auto far = or_throw(UdpSocket::bind(loop, any_port_v4));
    const Ecn mark = marked(*far, true);
    REQUIRE(loop.run(
        Pair::send(*far, "four", Endpoint(IpAddress::loopback_v4(), near->endpoint().port()))));
    const auto got = loop.run(Pair::receive(*near, within(ceiling)));
    REQUIRE(got);
    CHECK(got->sender.address().is_v4_mapped());
    CHECK(got->own_address.is_v4_mapped());
    check(*got, got->own_address, mark);
    CHECK(got->own_address.unmapped() == IpAddress::loopback_v4());
    CHECK(got->sender.address().unmapped() == IpAddress::loopback_v4());
}

TEST_CASE("a datagram that was cut has its details all the same") {
    EventLoop loop;
    const auto near = or_throw(UdpSocket::bind(loop, everywhere(true)));
    const auto far = or_throw(UdpSocket::bind(loop, any_port_v4));
    const Ecn mark = marked(*far, true);
    const Endpoint to(IpAddress::loopback_v4(), near->endpoint().port());
    std::array<std::byte, 4> memory{};
    const auto talk = [&]() -> Task<void> {
        CHECK(co_await far->send("too long", to));
        const auto got = co_await near->receive(memory, within(ceiling));
        REQUIRE(got);
        CHECK(got->is_truncated);
        CHECK(got->bytes == memory.size());
        CHECK(got->sender == far->endpoint());
        check(*got, IpAddress::loopback_v4(), mark);
    };
    loop.run(talk());
}

TEST_CASE("without details a datagram tells nothing of them, and its own address is none") {
    UdpOptions options;
    options.details = false;
    for (const Endpoint& local : {any_port_v4, any_port_v6}) {
        const bool is_v4 = local.address().is_v4();
        EventLoop loop;
        const auto near = or_throw(UdpSocket::bind(loop, everywhere(is_v4), options));
        const auto far = or_throw(UdpSocket::bind(loop, local));
        static_cast<void>(marked(*far, is_v4));
        REQUIRE(
            loop.run(Pair::send(*far, "?", Endpoint(local.address(), near->endpoint().port()))));
        const auto got = loop.run(Pair::receive(*near, within(ceiling)));
        REQUIRE(got);
        CHECK(got->own_address.is_any());
        CHECK_FALSE(got->own_address.is_v4_mapped());
        CHECK(got->interface_index == 0);
        CHECK(got->ecn == Ecn::not_capable);
    }
}

} // namespace tidemill
