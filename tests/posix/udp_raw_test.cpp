// Datagrams that no socket of ours would send: made by hand, through a raw socket (root only), or
// taken away by another descriptor.
#include "core/loop_core.hpp"
#include "net/udp_batch_support.hpp"
#include "support/os.hpp"
#include "support/skips.hpp"

#include <array>
#include <cstring>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemill {

using namespace udp_test;

namespace {

class RawSocket {
public:
    RawSocket() : socket_(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP)) {
        if (!is_open()) support::skip_case("raw sockets are for root");
    }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;
    ~RawSocket() {
        if (is_open()) ::close(socket_);
    }
    [[nodiscard]] bool is_open() const { return socket_ != -1; }

    // A checksum of 0 means that there is none.
    void send(std::uint16_t from_port, const Endpoint& to, std::string_view text,
              std::uint16_t checksum = 0) const {
        udphdr header{};
        header.source = htons(from_port);
        header.dest = htons(to.port());
        header.len = htons(static_cast<std::uint16_t>(sizeof header + text.size()));
        header.check = htons(checksum);
        std::string packet(sizeof header + text.size(), '\0');
        std::memcpy(packet.data(), &header, sizeof header);
        std::memcpy(packet.data() + sizeof header, text.data(), text.size());
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::sendto(socket_, packet.data(), packet.size(), 0,
                         reinterpret_cast<const sockaddr*>(&address),
                         sizeof address) == static_cast<ssize_t>(packet.size()));
    }

private:
    int socket_;
};

} // namespace

TEST_CASE("one datagram from port 0 costs no other peer its answer") {
    const RawSocket raw;
    if (!raw.is_open()) return;
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        const auto third = or_throw(UdpSocket::bind(pair.loop, any_port_v4, options));
        ReceiveBatch batch;
        SendBatch answers;
        const auto serve = [&]() -> Task<void> {
            CHECK(co_await pair.far->send("1", pair.near->endpoint()));
            raw.send(0, pair.near->endpoint(), "?");
            CHECK(co_await third->send("2", pair.near->endpoint()));
            std::size_t failed = 0;
            for (std::size_t seen = 0; seen < 3; seen += batch.size()) {
                const auto came = co_await pair.near->receive_many(batch, within(ceiling));
                REQUIRE(came);
                answers.clear();
                for (const DatagramView& each : batch)
                    REQUIRE(answers.add(each.payload(), each.sender()));
                const SendOutcome outcome = co_await pair.near->send_many(answers);
                failed += outcome.failed;
            }
            CHECK(failed == 1);
            const auto first = co_await pair.far->receive(within(ceiling));
            CHECK(first->payload.text() == "1");
            const auto second = co_await third->receive(within(ceiling));
            CHECK(second->payload.text() == "2");
        };
        pair.loop.run(serve());
    }
}

TEST_CASE("a datagram with a wrong checksum wakes nobody, and the next one is received") {
    const RawSocket raw;
    if (!raw.is_open()) return;
    Pair pair;
    Waiting waiting(pair.loop, *pair.near, within(ceiling));
    turn(pair.loop);
    raw.send(9, pair.near->endpoint(), "spoilt", 1);
    turn(pair.loop, 3);
    CHECK(waiting.resumptions == 0);
    pair.far_sends("whole");
    turn_until(pair.loop, [&] { return waiting.result.has_value(); });
    CHECK((*waiting.result)->payload.text() == "whole");
    CHECK(waiting.resumptions == 1);
}

TEST_CASE("a datagram that another descriptor steals leaves the wait as it was") {
    Pair pair;
    const NativeSocket copy = support::duplicate_socket(pair.near->native_handle(), 0);
    ReceiveBatch batch;
    std::size_t got = 0;
    int resumptions = 0;
    TaskScope scope(pair.loop);
    const auto receive = [&]() -> Task<void> {
        const auto came = co_await pair.near->receive_many(batch, within(ceiling));
        ++resumptions;
        if (came) got = *came;
    };
    scope.spawn(receive);
    turn(pair.loop);
    pair.far_sends("stolen");
    std::array<std::byte, 16> memory{};
    REQUIRE(detail::native_sockets().receive_from(copy, memory).bytes == 6);
    // What the selector may have seen before: readiness with nothing behind it.
    detail::LoopCore& core = pair.loop.core();
    for (std::uint32_t slot = 0; slot < 2; ++slot) core.find(core.token(slot))->on_readable();
    turn(pair.loop, 3);
    CHECK(resumptions == 0);
    pair.far_sends("kept");
    turn_until(pair.loop, [&] { return resumptions > 0; });
    CHECK(got == 1);
    ::close(copy);
}

} // namespace tidemill
