// Real sockets on the loopback interface, made by the sockets seam; port 0 only.
#pragma once

#include "core/sockets.hpp"

#include <string_view>
#include <utility>

namespace tidemill::conformance {

class OwnedSocket {
public:
    explicit OwnedSocket(NativeSocket socket = invalid_socket) noexcept : socket_(socket) {}
    OwnedSocket(OwnedSocket&& other) noexcept
        : socket_(std::exchange(other.socket_, invalid_socket)) {}
    OwnedSocket& operator=(OwnedSocket&& other) noexcept {
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~OwnedSocket() { close(); }

    [[nodiscard]] NativeSocket get() const noexcept { return socket_; }
    [[nodiscard]] NativeSocket release() noexcept { return std::exchange(socket_, invalid_socket); }
    void close() noexcept;
    void close_with_reset() noexcept;

private:
    NativeSocket socket_;
};

/// Blocks until the kernel has something to read (or an end, or an error) at this socket.
void await_readable(NativeSocket socket);
/// Blocks until the kernel takes bytes or the connection has come to an end.
void await_writable(NativeSocket socket);
/// What the system's own poll thinks of it: the second opinion for a selector's.
[[nodiscard]] bool has_input(NativeSocket socket);
/// Fails the test unless all of `bytes` are taken at once.
void send_all(NativeSocket socket, std::string_view bytes);
/// One receive; its error is in the result.
[[nodiscard]] detail::IoResult receive_some(NativeSocket socket);
/// Receives until nothing is left.
void drain(NativeSocket socket);

/// A bound socket; `kind` may be a stream, which then neither listens nor connects.
[[nodiscard]] OwnedSocket bound_socket(detail::SocketKind kind);
[[nodiscard]] Endpoint endpoint_of(NativeSocket socket);

/// An established TCP connection: `near` is for the selector, `far` is its peer.
struct LoopbackPair {
    LoopbackPair();
    OwnedSocket near;
    OwnedSocket far;

    /// Blocks until the bytes (the end, the reset) have arrived at the near side.
    void far_sends(std::string_view bytes) const;
    void far_ends() const;
    /// Sends until neither kernel takes any more: near is not writable before far reads.
    void fill_near() const;
    /// Undoes it.
    void far_reads_until_near_is_writable() const;
    void far_resets();
};

/// Two UDP sockets, each connected to the other.
struct UdpPair {
    UdpPair();
    OwnedSocket near;
    OwnedSocket far;

    void far_sends(std::string_view bytes) const;
};

/// Another descriptor of the same socket, of at least `lowest` where numbers can be chosen.
[[nodiscard]] OwnedSocket copy_of(NativeSocket socket, int lowest);
/// Moves a socket to a free descriptor of at least `lowest`.
[[nodiscard]] OwnedSocket moved_up(OwnedSocket socket, int lowest);

} // namespace tidemill::conformance
