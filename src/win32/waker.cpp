// A socket that is not connected yet takes datagrams from anybody on this machine. So both ends are
// bound and connected first, each is checked to be the other's peer, and what came before that is
// thrown away.

#include "win32/waker.hpp"
#include "core/sockets.hpp"
#include <array>

namespace tidemill::detail {
namespace {

// Closes the sockets of a pair that was not completed.
struct Ends {
    Ends() noexcept = default;
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() {
        for (const NativeSocket socket : sockets)
            if (socket != invalid_socket) native_sockets().close(socket);
    }
    std::array<NativeSocket, 2> sockets{invalid_socket, invalid_socket};
};

PackedError connect_pair(Ends& ends) {
    Sockets& sockets = native_sockets();
    std::array<Endpoint, 2> names;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const SocketResult opened = sockets.open(IpAddress::loopback_v4(), SocketKind::datagram);
        if (opened.error) return opened.error;
        ends.sockets[i] = opened.socket;
        PackedError error = sockets.bind(opened.socket, Endpoint(IpAddress::loopback_v4(), 0));
        if (error) return error;
        const EndpointResult name = sockets.local_endpoint(opened.socket);
        if (name.error) return name.error;
        names[i] = name.endpoint;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const Endpoint& other = names[1 - i];
        if (const PackedError error = sockets.connect(ends.sockets[i], other)) return error;
        const EndpointResult peer = sockets.peer_endpoint(ends.sockets[i]);
        if (peer.error) return peer.error;
        if (peer.endpoint != other) return std::errc::connection_aborted;
    }
    return {};
}

} // namespace

Result<std::unique_ptr<Waker>> Waker::make() {
    Ends ends;
    if (const PackedError error = connect_pair(ends)) return failure(error.code());
    std::unique_ptr<Waker> waker(new Waker(ends.sockets[0], ends.sockets[1]));
    ends.sockets = {invalid_socket, invalid_socket};
    waker->drain();
    return waker;
}

Waker::~Waker() {
    native_sockets().close(receiver_);
    native_sockets().close(sender_);
}

// A datagram between two sockets of this process gets lost only when the receiver's buffer is full,
// and then it is readable already. Should the send fail, the next wake tries again.
void Waker::wake() noexcept {
    constexpr std::byte one{1};
    if (is_raised_.exchange(true)) return;
    if (native_sockets().send(sender_, Buffer(&one, 1)).error) is_raised_.store(false);
}

// Lowered after the receives: a wake that comes between sends nothing, and is one with those that
// end this wait. Lowered first, its datagram would be received here too, and its flag left up. The
// exchange, and no store, makes what the waking thread wrote visible here.
void Waker::drain() noexcept {
    constexpr int most_receives = 64; // the rest keeps it readable
    std::array<std::byte, 16> scrap;
    for (int i = 0; i < most_receives; ++i)
        if (native_sockets().receive(receiver_, scrap).error) break;
    static_cast<void>(is_raised_.exchange(false));
}

} // namespace tidemill::detail
