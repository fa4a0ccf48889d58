// Scenarios over UDP.
//
// An error costs one call and never the socket: each call that fails is told and made once more.
#include "torture/scenarios.hpp"

#include <tidemill/net/udp_socket.hpp>

namespace tidemill::torture {
namespace {

using SocketPointer = std::unique_ptr<UdpSocket>;

constexpr std::uint32_t rounds = 4;
constexpr int most_tries = 2;

/// True once the datagram is with the system.
Task<bool> send(World& world, UdpSocket& socket, std::string text, const Endpoint* to) {
    for (int i = 0; i < most_tries; ++i) {
        Result<void> sent;
        if (to != nullptr)
            sent = co_await socket.send(text, *to);
        else
            sent = co_await socket.send(text);
        if (sent) co_return true;
        world.note(sent.error());
    }
    co_return false;
}

Task<std::string> receive(World& world, UdpSocket& socket, Endpoint& sender) {
    for (int i = 0; i < most_tries; ++i) {
        auto datagram = co_await socket.receive();
        if (!datagram) {
            world.note(datagram.error());
            continue;
        }
        sender = datagram->sender;
        co_return std::string(datagram->payload.text());
    }
    co_return std::string();
}

// There by a socket with a fixed peer, and back by one without.
Task<void> talk(World& world, UdpSocket& client, UdpSocket& server) {
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const std::string text = text_of(100 + 400 * round, round);
        Endpoint sender;
        const bool is_sent = co_await send(world, client, text, nullptr);
        if (is_sent) world.came(text, co_await receive(world, server, sender));
        const bool is_answered = is_sent && co_await send(world, server, text, &sender);
        Endpoint nobody;
        if (is_answered) world.came(text, co_await receive(world, client, nobody));
    }
}

bool told(World& world, const Result<SocketPointer>& made) {
    if (made) return true;
    world.note(made.error());
    world.came("a socket", "");
    return false;
}

// As other code would have made it, with a fixed peer; by the seam, so that the books know of it.
Result<NativeSocket> foreign_socket(detail::Sockets& sockets, const Endpoint& peer) {
    const auto made = sockets.open(peer.address(), detail::SocketKind::datagram);
    if (made.error) return failure(made.error.code());
    const detail::PackedError error = sockets.connect(made.socket, peer);
    if (!error) return made.socket;
    sockets.close(made.socket);
    return failure(error.code());
}

Result<SocketPointer> adopted(World& world, const Endpoint& peer) {
    detail::Sockets& sockets = world.loop().core().sockets();
    const auto foreign = foreign_socket(sockets, peer);
    if (!foreign) return failure(foreign.error());
    UdpOptions options;
    options.receive_buffer_bytes = 64 * 1024;
    auto socket = UdpSocket::adopt(world.loop(), *foreign, options);
    if (!socket) sockets.close(*foreign); // what was not adopted is still its owner's
    return socket;
}

} // namespace

void run_adopted_datagrams(World& world) {
    auto server = UdpSocket::bind(world.loop(), any_port());
    if (!told(world, server)) return;
    auto client = adopted(world, (*server)->endpoint());
    if (!told(world, client)) return;
    world.start(talk(world, **client, **server));
    world.run_all();
}

void run_datagrams(World& world) {
    UdpOptions options;
    options.receive_buffer_bytes = 64 * 1024;
    auto server = UdpSocket::bind(world.loop(), any_port(), options);
    if (!told(world, server)) return;
    auto client = UdpSocket::connect(world.loop(), (*server)->endpoint(), options);
    if (!told(world, client)) return;
    world.start(talk(world, **client, **server));
    world.run_all();
}

} // namespace tidemill::torture
