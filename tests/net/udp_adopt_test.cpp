// UDP sockets that other code has made.
#include "core/loop_core.hpp"
#include "net/udp_support.hpp"
#include "support/forwarding_sockets.hpp"
#include "support/os.hpp"

#include <array>
#include <vector>

namespace tidemill {

using namespace udp_test;

namespace {

detail::Sockets& native() { return detail::native_sockets(); }

/// As a program makes it that knows nothing of loops; closed at the end, unless it was adopted.
class Foreign {
public:
    explicit Foreign(detail::SocketKind kind, const Endpoint& local = any_port_v4) {
        const detail::SocketResult made = native().open(local.address(), kind);
        REQUIRE_FALSE(made.error);
        socket_ = made.socket;
        support::make_foreign(socket_);
    }
    Foreign(const Foreign&) = delete;
    Foreign& operator=(const Foreign&) = delete;
    ~Foreign() {
        if (socket_ != invalid_socket) native().close(socket_);
    }
    static Foreign bound(const Endpoint& local) {
        return Foreign(detail::SocketKind::datagram, local, nullptr);
    }
    static Foreign connected(const Endpoint& peer) {
        return Foreign(detail::SocketKind::datagram, peer, &peer);
    }

    [[nodiscard]] NativeSocket get() const noexcept { return socket_; }
    [[nodiscard]] Endpoint endpoint() const { return native().local_endpoint(socket_).endpoint; }
    SocketPointer adopted(EventLoop& loop, const UdpOptions& options = {}) {
        auto socket = or_throw(UdpSocket::adopt(loop, socket_, options));
        socket_ = invalid_socket;
        return socket;
    }

private:
    Foreign(detail::SocketKind kind, const Endpoint& to, const Endpoint* peer) : Foreign(kind, to) {
        const bool is_bound =
            !(peer != nullptr ? native().connect(socket_, *peer) : native().bind(socket_, to));
        REQUIRE(is_bound);
    }
    NativeSocket socket_ = invalid_socket;
};

/// Notes which policy each socket was given, which not every system lets a test see.
class Noting final : public support::ForwardingSockets {
public:
    PackedError set_icmp_policy(NativeSocket socket, IcmpPolicy policy) override {
        policies.push_back(policy);
        return ForwardingSockets::set_icmp_policy(socket, policy);
    }
    std::vector<IcmpPolicy> policies;
};

std::unique_ptr<detail::LoopCore> core_over(detail::Sockets& sockets) {
    detail::Seams seams;
    seams.sockets = &sockets;
    return std::make_unique<detail::LoopCore>(LoopOptions(), std::move(seams));
}

Task<void> exchange(UdpSocket& from, std::string text, Endpoint to, UdpSocket& at) {
    CHECK(co_await from.send(text, to));
    const auto got = co_await at.receive(within(ceiling));
    REQUIRE(got);
    CHECK(got->payload.text() == text);
}

} // namespace

TEST_CASE("a bound UDP socket of somebody else is adopted, with what is in its queue") {
    for (const Endpoint& local : {any_port_v4, any_port_v6}) {
        CAPTURE(local.to_string());
        EventLoop loop;
        const auto peer = or_throw(UdpSocket::bind(loop, local));
        Foreign foreign = Foreign::bound(local);
        const Endpoint endpoint = foreign.endpoint();
        REQUIRE(loop.run(Pair::send(*peer, "early", endpoint)));
        const SocketPointer socket = foreign.adopted(loop);
        CHECK(socket->endpoint() == endpoint);
        const auto early = loop.run(Pair::receive(*socket, within(ceiling)));
        REQUIRE(early);
        CHECK(early->payload.text() == "early");
        CHECK(early->sender == peer->endpoint());
        CHECK(early->own_address == local.address());
        loop.run(exchange(*socket, "there", peer->endpoint(), *peer));
        loop.run(exchange(*peer, "and back", endpoint, *socket));
        const auto lost = loop.run([](UdpSocket& at) -> Task<Result<void>> {
            co_return co_await at.send("to whom?");
        }(*socket));
        CHECK(lost.error() == std::errc::not_connected);
    }
}

TEST_CASE("an adopted UDP socket neither blocks nor is inherited") {
    EventLoop loop;
    Foreign foreign = Foreign::bound(any_port_v4);
    REQUIRE(support::is_inherited(foreign.get()));
    const SocketPointer socket = foreign.adopted(loop);
    CHECK_FALSE(support::is_inherited(socket->native_handle()));
    std::array<std::byte, 16> memory{};
    CHECK(native().receive_from(socket->native_handle(), memory).error ==
          detail::PackedError(std::errc::operation_would_block));
}

TEST_CASE("an adopted UDP socket keeps its fixed peer") {
    EventLoop loop;
    const auto peer = or_throw(UdpSocket::bind(loop, any_port_v4));
    Foreign foreign = Foreign::connected(peer->endpoint());
    const SocketPointer socket = foreign.adopted(loop);
    const auto talk = [&]() -> Task<void> {
        CHECK(co_await socket->send("to the peer"));
        const auto got = co_await peer->receive(within(ceiling));
        REQUIRE(got);
        CHECK(got->sender == socket->endpoint());
        const auto other = co_await socket->send("to another", peer->endpoint());
        CHECK(other.error() == std::errc::already_connected);
    };
    loop.run(talk());
}

TEST_CASE("an adopted UDP socket gets its options and the ICMP policy") {
    Noting sockets;
    EventLoop loop(core_over(sockets));
    Foreign free = Foreign::bound(any_port_v4);
    Foreign fixed = Foreign::connected(free.endpoint());
    Foreign told = Foreign::bound(any_port_v4);
    UdpOptions options;
    options.icmp = IcmpPolicy::report;
    options.receive_buffer_bytes = 32 * 1024;
    options.send_buffer_bytes = 48 * 1024;
    options.broadcast = true;
    const SocketPointer one = free.adopted(loop);
    const SocketPointer two = fixed.adopted(loop);
    const SocketPointer three = told.adopted(loop, options);
    CHECK(one->icmp_policy() == IcmpPolicy::ignore);
    CHECK(two->icmp_policy() == IcmpPolicy::report);
    CHECK(three->icmp_policy() == IcmpPolicy::report);
    CHECK(sockets.policies ==
          std::vector{IcmpPolicy::ignore, IcmpPolicy::report, IcmpPolicy::report});
    const auto value = [&](const SocketPointer& of, detail::SocketOption option) {
        return native().option(of->native_handle(), option).value;
    };
    CHECK(value(three, detail::SocketOption::broadcast) != 0);
    CHECK(value(one, detail::SocketOption::broadcast) == 0);
    const SocketPointer bound = or_throw(UdpSocket::bind(loop, any_port_v4, options));
    for (const auto buffer :
         {detail::SocketOption::receive_buffer, detail::SocketOption::send_buffer})
        CHECK(value(three, buffer) == value(bound, buffer));
}

TEST_CASE("an adopted socket that was told of refused datagrams ignores them by default") {
    EventLoop loop;
    Foreign foreign = Foreign::bound(any_port_v4);
    REQUIRE_FALSE(native().set_icmp_policy(foreign.get(), IcmpPolicy::report));
    const SocketPointer socket = foreign.adopted(loop);
    const auto live = or_throw(UdpSocket::bind(loop, any_port_v4));
    for (int i = 0; i < 3; ++i) REQUIRE(loop.run(Pair::send(*socket, "?", dead_port(loop))));
    CHECK(loop.run(Pair::receive(*socket, within(20ms))).error() == Errc::deadline_expired);
    loop.run(exchange(*live, "alive", socket->endpoint(), *socket));
    CHECK(socket->counters().icmp_reported == 0);
}

TEST_CASE("what is no bound UDP socket is not adopted, by an error that says why, and stays") {
    EventLoop loop;
    const auto refusal = [&](NativeSocket socket) {
        const auto adopted = UdpSocket::adopt(loop, socket);
        REQUIRE_FALSE(adopted);
        CHECK(adopted.error().message().find("adopt a UDP socket") != std::string::npos);
        return adopted.error();
    };
    const Foreign unbound(detail::SocketKind::datagram);
    CHECK(refusal(unbound.get()) == std::errc::invalid_argument);
    const Foreign stream(detail::SocketKind::stream);
    CHECK(refusal(stream.get()) == std::errc::wrong_protocol_type);
    for (const Foreign* each : {&unbound, &stream}) { // they are open, and as they were
        CHECK(support::is_inherited(each->get()));
        CHECK_FALSE(native().bind(each->get(), any_port_v4));
    }
    CHECK(refusal(invalid_socket) == std::errc::bad_file_descriptor);
    const support::OsPipe pipe;
    pipe.write("still a pipe");
    const Error no_socket = refusal(pipe.out());
    CHECK(no_socket == (support::os_facts().is_windows ? std::errc::bad_file_descriptor
                                                       : std::errc::not_a_socket));
    std::array<char, 16> memory{};
    CHECK(pipe.read(memory) == 12);
}

TEST_CASE("an adopted UDP socket that somebody else has open still is forgotten when it closes") {
    EventLoop loop;
    const auto peer = or_throw(UdpSocket::bind(loop, any_port_v4));
    Foreign foreign = Foreign::bound(any_port_v4);
    const NativeSocket copy = support::duplicate_socket(foreign.get(), 0);
    const Endpoint endpoint = foreign.endpoint();
    SocketPointer socket = foreign.adopted(loop);
    CHECK(loop.run(Pair::receive(*socket, within(0s))).error() == Errc::deadline_expired);
    socket.reset();
    REQUIRE(loop.run(Pair::send(*peer, "for the other", endpoint)));
    turn(loop);
    const auto before = loop.counters();
    turn(loop, 50);
    CHECK(loop.counters().events == before.events);
    CHECK(loop.counters().selector_rebuilds == 0);
    std::array<std::byte, 32> memory{};
    CHECK(native().receive_from(copy, memory).bytes == 13);
    native().close(copy);
}

} // namespace tidemill
