// The helper types over the sockets seam; the system's own poll says when something has arrived.
#include "conformance/support/loopback.hpp"
#include "support/os.hpp"

#include <array>
#include <doctest/doctest.h>

namespace tidemill::conformance {
namespace {

using detail::IoResult;
using detail::native_sockets;
using detail::PackedError;
using detail::SocketKind;
using detail::SocketResult;
using support::poll_sockets;
using support::Polled;

constexpr int ceiling_ms = 5000;

int poll_one(Polled watched, int timeout_ms) { return poll_sockets({&watched, 1}, timeout_ms); }

OwnedSocket opened(SocketKind kind) {
    const SocketResult result = native_sockets().open(IpAddress::loopback_v4(), kind);
    REQUIRE_FALSE(bool(result.error));
    return OwnedSocket(result.socket);
}

void connect(NativeSocket socket, const Endpoint& peer) {
    const PackedError error = native_sockets().connect(socket, peer);
    if (error == PackedError(std::errc::operation_in_progress)) await_writable(socket);
    REQUIRE_FALSE(bool(native_sockets().connect_result(socket)));
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace

void OwnedSocket::close() noexcept {
    if (socket_ != invalid_socket) native_sockets().close(release());
}

void OwnedSocket::close_with_reset() noexcept { native_sockets().close_with_reset(release()); }

void await_readable(NativeSocket socket) {
    REQUIRE(poll_one({socket, true, false}, ceiling_ms) == 1);
}
void await_writable(NativeSocket socket) {
    REQUIRE(poll_one({socket, false, true}, ceiling_ms) == 1);
}

bool has_input(NativeSocket socket) { return poll_one({socket, true, false}, 0) == 1; }

void send_all(NativeSocket socket, std::string_view bytes) {
    const IoResult sent = native_sockets().send(socket, bytes_of(bytes));
    REQUIRE_FALSE(bool(sent.error));
    REQUIRE(sent.bytes == bytes.size());
}

IoResult receive_some(NativeSocket socket) {
    std::array<std::byte, 64 * 1024> scrap;
    return native_sockets().receive(socket, scrap);
}

void drain(NativeSocket socket) {
    while (!receive_some(socket).error) continue;
}

OwnedSocket bound_socket(SocketKind kind) {
    OwnedSocket socket = opened(kind);
    const Endpoint any_port(IpAddress::loopback_v4(), 0);
    REQUIRE_FALSE(bool(native_sockets().bind(socket.get(), any_port)));
    return socket;
}

Endpoint endpoint_of(NativeSocket socket) {
    const detail::EndpointResult result = native_sockets().local_endpoint(socket);
    REQUIRE_FALSE(bool(result.error));
    return result.endpoint;
}

LoopbackPair::LoopbackPair() {
    const OwnedSocket listener = bound_socket(SocketKind::stream);
    REQUIRE_FALSE(bool(native_sockets().listen(listener.get(), 1)));
    near = opened(SocketKind::stream);
    connect(near.get(), endpoint_of(listener.get()));
    await_readable(listener.get());
    const SocketResult accepted = native_sockets().accept(listener.get(), nullptr);
    REQUIRE_FALSE(bool(accepted.error));
    far = OwnedSocket(accepted.socket);
}

void LoopbackPair::far_sends(std::string_view bytes) const {
    send_all(far.get(), bytes);
    await_readable(near.get());
}

void LoopbackPair::far_ends() const {
    REQUIRE_FALSE(bool(native_sockets().shutdown_write(far.get())));
    await_readable(near.get());
}

// A delayed acknowledgement (Linux: 40 ms) makes room again, so the buffers are full only when no
// room has come back for longer than that.
void LoopbackPair::fill_near() const {
    constexpr int size = 128 * 1024; // a size that is set does not grow while it is filled
    constexpr int longer_than_acknowledgements_ms = 60;
    auto& sockets = native_sockets();
    REQUIRE_FALSE(bool(sockets.set_option(near.get(), detail::SocketOption::send_buffer, size)));
    REQUIRE_FALSE(bool(sockets.set_option(far.get(), detail::SocketOption::receive_buffer, size)));
    const std::array<std::byte, size> nothing{};
    do {
        while (!sockets.send(near.get(), nothing).error) continue;
    } while (poll_one({near.get(), false, true}, longer_than_acknowledgements_ms) == 1);
}

void LoopbackPair::far_reads_until_near_is_writable() const {
    std::array<Polled, 2> watched = {Polled{near.get(), false, true},
                                     Polled{far.get(), true, false}};
    do {
        REQUIRE(poll_sockets(watched, ceiling_ms) > 0);
        drain(far.get());
    } while (!watched[0].writable);
}

void LoopbackPair::far_resets() {
    far.close_with_reset();
    // A reset is told without having been asked for.
    REQUIRE(poll_one({near.get(), false, false}, ceiling_ms) == 1);
}

UdpPair::UdpPair()
    : near(bound_socket(SocketKind::datagram)), far(bound_socket(SocketKind::datagram)) {
    connect(near.get(), endpoint_of(far.get()));
    connect(far.get(), endpoint_of(near.get()));
}

void UdpPair::far_sends(std::string_view bytes) const {
    send_all(far.get(), bytes);
    await_readable(near.get());
}

OwnedSocket copy_of(NativeSocket socket, int lowest) {
    return OwnedSocket(support::duplicate_socket(socket, lowest));
}

OwnedSocket moved_up(OwnedSocket socket, int lowest) { return copy_of(socket.get(), lowest); }

} // namespace tidemill::conformance
