// Datagrams between sockets of one loop: what arrives, from whom, how much of it.
#include "net/udp_support.hpp"
#include "support/allocations.hpp"
#include "support/death.hpp"
#include "support/os.hpp"

#include <array>
#include <vector>

namespace tidemill {
namespace {

using namespace udp_test;

std::string pattern(std::size_t size_bytes) {
    std::string text(size_bytes, '\0');
    for (std::size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    return text;
}

} // namespace

TEST_CASE("a datagram of every size arrives whole and names its sender") {
    for (const std::size_t size_bytes : {0U, 1U, 1472U, 4096U, 4097U, 65507U}) {
        CAPTURE(size_bytes);
        Pair pair;
        pair.far_sends(pattern(size_bytes));
        const auto datagram = pair.near_receives();
        REQUIRE(datagram);
        CHECK((datagram->payload.text() == pattern(size_bytes)));
        CHECK(datagram->sender == pair.far->endpoint());
        CHECK_FALSE(datagram->is_truncated);
    }
}

TEST_CASE("an empty datagram is data, and the next one is not lost by it") {
    Pair pair;
    pair.far_sends("");
    pair.far_sends("next");
    CHECK(pair.near_receives()->payload.empty());
    CHECK(pair.near_receives()->payload.text() == "next");
}

TEST_CASE("a datagram that is too large is refused by name and the socket goes on") {
    Pair pair;
    const std::string large(65508, 'x');
    const auto sent = pair.loop.run(Pair::send(*pair.far, large, pair.near->endpoint()));
    REQUIRE_FALSE(sent);
    CHECK(sent.error() == std::errc::message_size);
    pair.far_sends("small");
    CHECK(pair.near_receives()->payload.text() == "small");
}

TEST_CASE("what does not fit into the caller's memory is cut and said to be cut") {
    Pair pair;
    struct Case {
        std::string_view sent;
        std::string_view got;
        bool is_truncated;
    };
    const Case cases[] = {{"123", "123", false}, {"1234", "1234", false}, {"12345", "1234", true}};
    for (const Case& one : cases) {
        CAPTURE(one.sent);
        pair.far_sends(one.sent);
        std::array<char, 4> memory{};
        const auto receive = [&]() -> Task<Result<ReceivedDatagram>> {
            co_return co_await pair.near->receive(std::as_writable_bytes(std::span(memory)),
                                                  within(ceiling));
        };
        const auto got = pair.loop.run(receive());
        REQUIRE(got);
        CHECK(std::string_view(memory.data(), got->bytes) == one.got);
        CHECK(got->is_truncated == one.is_truncated);
        CHECK(got->sender == pair.far->endpoint());
    }
}

TEST_CASE("IPv6 works as IPv4 does") {
    Pair pair(any_port_v6);
    pair.far_sends(pattern(65507));
    const auto datagram = pair.near_receives();
    REQUIRE(datagram);
    CHECK((datagram->payload.text() == pattern(65507)));
    CHECK(datagram->sender == pair.far->endpoint());
    CHECK(datagram->sender.address().is_v6());
}

TEST_CASE("a dual-stack socket hears IPv4, and one that is not does not") {
    for (const bool dual_stack : {true, false}) {
        CAPTURE(dual_stack);
        EventLoop loop;
        UdpOptions options;
        options.dual_stack = dual_stack;
        const Endpoint everywhere(IpAddress::any_v6(), 0);
        const auto server = or_throw(UdpSocket::bind(loop, everywhere, options));
        const auto client = or_throw(UdpSocket::bind(loop, any_port_v4));
        const Endpoint by_v4(IpAddress::loopback_v4(), server->endpoint().port());
        REQUIRE(loop.run(Pair::send(*client, "hello", by_v4)));
        const auto got =
            loop.run(Pair::receive(*server, dual_stack ? within(ceiling) : within(0s)));
        REQUIRE(got.has_value() == dual_stack);
        if (got) CHECK(got->sender.address().unmapped() == IpAddress::loopback_v4());
    }
}

TEST_CASE("a connected socket sends to its peer and hears nobody else") {
    EventLoop loop;
    const auto peer = or_throw(UdpSocket::bind(loop, any_port_v4));
    const auto stranger = or_throw(UdpSocket::bind(loop, any_port_v4));
    const auto socket = or_throw(UdpSocket::connect(loop, peer->endpoint()));
    const auto talk = [&]() -> Task<void> {
        CHECK(co_await socket->send("question"));
        const auto question = co_await peer->receive(within(ceiling));
        CHECK(question->payload.text() == "question");
        CHECK(question->sender == socket->endpoint());
        CHECK(co_await stranger->send("forged", socket->endpoint()));
        CHECK(co_await peer->send("answer", question->sender));
        const auto answer = co_await socket->receive(within(ceiling));
        CHECK(answer->payload.text() == "answer");
        CHECK(answer->sender == peer->endpoint());
    };
    loop.run(talk());
}

TEST_CASE("a destination is given exactly when there is no peer") {
    Pair pair;
    const auto connected = or_throw(UdpSocket::connect(pair.loop, pair.far->endpoint()));
    const auto sends = [&]() -> Task<void> {
        const auto without = co_await pair.near->send("x");
        REQUIRE_FALSE(without);
        CHECK(without.error() == std::errc::not_connected);
        const auto with = co_await connected->send("x", pair.near->endpoint());
        REQUIRE_FALSE(with);
        CHECK(with.error() == std::errc::already_connected);
    };
    pair.loop.run(sends());
}

TEST_CASE("a burst of 1,000 datagrams arrives whole and in order") {
    UdpOptions options;
    options.receive_buffer_bytes = 4 << 20;
    Pair pair(any_port_v4, options);
    constexpr int batch = 100; // the system may grant less buffer than was asked for
    int received = 0;
    const auto burst = [&]() -> Task<void> {
        for (int round = 0; round < 10; ++round) {
            for (int i = 0; i < batch; ++i) {
                const std::string text = std::to_string(round * batch + i);
                CHECK(co_await pair.far->send(text, pair.near->endpoint()));
            }
            for (int i = 0; i < batch; ++i) {
                const auto datagram = co_await pair.near->receive(within(ceiling));
                REQUIRE(datagram);
                CHECK(datagram->payload.text() == std::to_string(received++));
            }
        }
    };
    pair.loop.run(burst());
    CHECK(received == 1000);
}

TEST_CASE("a datagram costs no allocation") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    Pair pair;
    std::uint64_t taken = 0;
    int received = 0;
    const auto ping = [&]() -> Task<void> {
        const std::string text(1000, 'x');
        for (int i = 0; i < 1100; ++i) {
            const support::AllocationCount count;
            const auto sent = co_await pair.far->send(text, pair.near->endpoint());
            const auto datagram = co_await pair.near->receive(within(ceiling));
            if (sent && datagram) ++received;
            if (i >= 100) taken += count.taken();
        }
    };
    pair.loop.run(ping());
    CHECK(received == 1100);
    CHECK(taken == 0);
}

TEST_CASE("options are the system's, and a used port is refused by name") {
    Pair pair;
    const auto second = UdpSocket::bind(pair.loop, pair.near->endpoint());
    REQUIRE_FALSE(second);
    CHECK(second.error() == std::errc::address_in_use);
    CHECK(second.error().message().find(pair.near->endpoint().to_string()) != std::string::npos);

    UdpOptions options;
    options.reuse_port = true;
    const auto first = UdpSocket::bind(pair.loop, any_port_v4, options);
    if (support::os_facts().has_reuse_port) {
        REQUIRE(first);
        CHECK(UdpSocket::bind(pair.loop, (*first)->endpoint(), options).has_value());
    } else {
        REQUIRE_FALSE(first);
        CHECK(first.error() == Errc::not_supported);
    }
}

TEST_CASE("only a socket that may broadcast sends to everybody") {
    const Endpoint everybody(IpAddress::v4({255, 255, 255, 255}), 9);
    EventLoop loop;
    const auto plain = or_throw(UdpSocket::bind(loop, any_port_v4));
    const auto refused = loop.run(Pair::send(*plain, "x", everybody));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::permission_denied);
    UdpOptions options;
    options.broadcast = true;
    const auto loud = or_throw(UdpSocket::bind(loop, any_port_v4, options));
    const auto sent = loop.run(Pair::send(*loud, "x", everybody)); // there may be no network at all
    CHECK((sent || sent.error().code() != std::errc::permission_denied));
}

TEST_CASE("a second receive at once is misuse") {
    DIES_WITH("received from by one task at a time", [] {
        Pair pair;
        TaskScope scope(pair.loop);
        const auto wait = [&]() -> Task<void> { static_cast<void>(co_await pair.near->receive()); };
        scope.spawn(wait);
        scope.spawn(wait);
    });
}

TEST_CASE("memory to receive into that is empty is misuse") {
    DIES_WITH("memory to receive into is not empty", [] {
        Pair pair;
        static_cast<void>(pair.near->receive(std::span<std::byte>()));
    });
}

} // namespace tidemill
