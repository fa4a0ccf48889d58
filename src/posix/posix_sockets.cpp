// The socket seam over POSIX calls.
//
// Where the system can, a socket is made non-blocking and close-on-exec in the call that creates
// it: between two calls another thread could fork. recv and send are used, not read and write,
// which cost 2 % more on sockets and know no MSG_NOSIGNAL.

#include "core/sockets.hpp"
#include "posix/posix_datagrams.hpp"
#include "posix/posix_error.hpp"
#include "posix/posix_multicast.hpp"
#include "posix/socket_options.hpp"
#include "posix/tcp_state.hpp"
#include <array>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

#ifdef __linux__
#include "posix/linux_datagrams.hpp"
#endif

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

constexpr std::size_t most_pieces = 64;

#ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#else
constexpr int send_flags = 0; // SO_NOSIGPIPE is set when the socket is made
#endif

// Not inherited by child processes either.
PackedError make_non_blocking(int socket) noexcept {
    if (::fcntl(socket, F_SETFD, FD_CLOEXEC) == -1) return posix_error(errno);
    const int flags = ::fcntl(socket, F_GETFL);
    if (flags == -1) return posix_error(errno);
    return outcome(::fcntl(socket, F_SETFL, flags | O_NONBLOCK));
}

#ifdef __linux__
constexpr int kind_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

int accept_call(int listener, sockaddr* peer, socklen_t* size) noexcept {
    return ::accept4(listener, peer, size, kind_flags);
}

PackedError prepare(int) noexcept { return {}; }
#else
constexpr int kind_flags = 0;

int accept_call(int listener, sockaddr* peer, socklen_t* size) noexcept {
    return ::accept(listener, peer, size);
}

PackedError prepare(int socket) noexcept {
    if (const PackedError error = make_non_blocking(socket)) return error;
#ifdef SO_NOSIGPIPE
    const int on = 1;
    return outcome(::setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on));
#else
    return {};
#endif
}
#endif

IoResult io_result(ssize_t result) noexcept {
    if (result < 0) return {0, posix_error(errno)};
    return {static_cast<std::size_t>(result), {}};
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

EndpointResult name_of(NameCall call, int socket) noexcept {
    NativeAddress address{};
    const PackedError error = outcome(call(socket, address.get(), &address.size));
    return {error ? Endpoint() : from_native(address), error};
}

// Of a connection that is over already, a reset one for example: SO_PEERNAME still knows. It takes
// no more room than the address needs, which is as much as the socket's own.
EndpointResult past_peer([[maybe_unused]] int socket) noexcept {
#ifdef SO_PEERNAME
    NativeAddress address{};
    PackedError error = outcome(::getsockname(socket, address.get(), &address.size));
    if (!error)
        error =
            outcome(::getsockopt(socket, SOL_SOCKET, SO_PEERNAME, address.get(), &address.size));
    return {error ? Endpoint() : from_native(address), error};
#else
    return {{}, std::errc::not_connected};
#endif
}

class PosixSockets final : public Sockets {
public:
    SocketResult open(const IpAddress& family_of, SocketKind kind) override {
        const int family = family_of.is_v4() ? AF_INET : AF_INET6;
        const int type = kind == SocketKind::stream ? SOCK_STREAM : SOCK_DGRAM;
        const SocketResult opened = adopt(::socket(family, type | kind_flags, 0));
        if (kind == SocketKind::datagram && !opened.error) hear_own_groups_only(opened.socket);
        return opened;
    }

    PackedError bind(NativeSocket socket, const Endpoint& local) override {
        const NativeAddress address = to_native(local);
        return outcome(::bind(socket, address.get(), address.size));
    }

    PackedError listen(NativeSocket socket, int backlog) override {
        return outcome(::listen(socket, backlog));
    }

    SocketResult accept(NativeSocket listener, Endpoint* peer) override {
        if (peer == nullptr)
            return adopt(retried([&] { return accept_call(listener, nullptr, nullptr); }));
        NativeAddress address{};
        const SocketResult accepted =
            adopt(retried([&] { return accept_call(listener, address.get(), &address.size); }));
        if (!accepted.error) *peer = from_native(address);
        return accepted;
    }

    // An interrupted connect goes on in the background, like one that would block; calling again
    // would fail with EALREADY.
    PackedError connect(NativeSocket socket, const Endpoint& peer) override {
        const NativeAddress address = to_native(peer);
        if (::connect(socket, address.get(), address.size) == 0) return {};
        return errno == EINTR ? PackedError(std::errc::operation_in_progress) : posix_error(errno);
    }

    PackedError connect_result(NativeSocket socket) override {
        int number = 0;
        socklen_t size = sizeof number;
        if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size) == -1)
            return posix_error(errno);
        return number == 0 ? PackedError() : posix_error(number);
    }

    IoResult receive(NativeSocket socket, std::span<std::byte> into) override {
        return io_result(retried([&] { return ::recv(socket, into.data(), into.size(), 0); }));
    }
    IoResult send(NativeSocket socket, Buffer bytes) override {
        return io_result(
            retried([&] { return ::send(socket, bytes.data(), bytes.size(), send_flags); }));
    }

    // Nothing but a jump into the C library.
    std::ptrdiff_t receive_now(NativeSocket socket, std::span<std::byte> into) override {
        return ::recv(socket, into.data(), into.size(), 0);
    }
    std::ptrdiff_t send_now(NativeSocket socket, Buffer bytes) override {
        return ::send(socket, bytes.data(), bytes.size(), send_flags);
    }
    [[nodiscard]] PackedError last_error() const noexcept override { return posix_error(errno); }

    IoResult send_gathered(NativeSocket socket, std::span<const Buffer> pieces) override {
        std::array<iovec, most_pieces> vectors;
        const std::size_t count = std::min(pieces.size(), vectors.size());
        for (std::size_t i = 0; i < count; ++i)
            vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
        msghdr message{};
        message.msg_iov = vectors.data();
        message.msg_iovlen = count;
        return io_result(retried([&] { return ::sendmsg(socket, &message, send_flags); }));
    }

    DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) override {
        return receive_datagram(socket, into);
    }

    IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) override {
        if (peer == nullptr) return send(socket, bytes);
        const NativeAddress address = to_native(*peer);
        return io_result(retried([&] {
            return ::sendto(socket, bytes.data(), bytes.size(), send_flags, address.get(),
                            address.size);
        }));
    }

#ifdef __linux__
    [[nodiscard]] DatagramFeatures datagram_features() const noexcept override {
        return linux_datagram_features();
    }
    ManyResult receive_many(NativeSocket socket, std::span<IncomingDatagram> into) override {
        return receive_datagrams(socket, into);
    }
    ManyResult send_many(NativeSocket socket, std::span<const OutgoingDatagram> messages) override {
        return send_datagrams(socket, messages);
    }
#endif
    PackedError set_icmp_policy(NativeSocket socket, IcmpPolicy policy) override {
        return set_datagram_icmp_policy(socket, policy);
    }
    PackedError change_membership(NativeSocket socket, const MembershipChange& change) override {
        return change_multicast_membership(socket, change);
    }
    IcmpResult next_icmp_report(NativeSocket socket) override {
        return next_datagram_error(socket);
    }

    PackedError shutdown_write(NativeSocket socket) override {
        return outcome(::shutdown(socket, SHUT_WR));
    }

    // Not retried on EINTR, unlike the other calls here: Linux has already released the descriptor,
    // and by now another thread may own the same number.
    void close(NativeSocket socket) noexcept override { ::close(socket); }

    // Lingering for zero seconds makes close() throw away what is unsent and reset the peer.
    void close_with_reset(NativeSocket socket) noexcept override {
        const linger nothing{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &nothing, sizeof nothing);
        ::close(socket);
    }

    EndpointResult local_endpoint(NativeSocket socket) override {
        return name_of(::getsockname, socket);
    }
    EndpointResult peer_endpoint(NativeSocket socket) override {
        const EndpointResult peer = name_of(::getpeername, socket);
        return peer.error == PackedError(std::errc::not_connected) ? past_peer(socket) : peer;
    }

    PackedError set_option(NativeSocket socket, SocketOption option, int value) override {
        if (option == SocketOption::datagram_details) return tell_datagram_details(socket);
        const auto [level, name] = native_option(option);
        if (name == -1) return set_multicast_option(socket, option, value);
        return outcome(::setsockopt(socket, level, name, &value, sizeof value));
    }

    OptionResult option(NativeSocket socket, SocketOption option) override {
        const auto [level, name] = native_option(option);
        if (name == -1) return {0, Errc::not_supported};
        OptionResult result;
        socklen_t size = sizeof result.value;
        result.error = outcome(::getsockopt(socket, level, name, &result.value, &size));
        return result;
    }

    TcpInfoResult tcp_info(NativeSocket socket) override { return tcp_info_of(socket); }
    Unacknowledged unacknowledged(NativeSocket socket, const Accepted& accepted) override {
        return unacknowledged_of(socket, accepted);
    }
    PackedError adopt_listener(NativeSocket socket) override {
        int is_listening = 0;
        socklen_t size = sizeof is_listening;
        if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == -1)
            return posix_error(errno);
        if (is_listening == 0) return std::errc::invalid_argument;
        return make_non_blocking(socket);
    }
    PackedError adopt_datagrams(NativeSocket socket) override {
        if (const PackedError error = check_bound_datagrams(socket)) return error;
        hear_own_groups_only(socket);
        send_each_as_it_is(socket);
        const PackedError error = make_non_blocking(socket);
        return error ? error : prepare(socket);
    }

private:
    static SocketResult adopt(int socket) noexcept {
        if (socket == -1) return {invalid_socket, posix_error(errno)};
        const PackedError error = prepare(socket);
        if (!error) return {socket, {}};
        ::close(socket);
        return {invalid_socket, error};
    }
};

} // namespace

bool shared_ports_are_balanced() noexcept {
#ifdef __linux__
    return true; // since 3.9: socket(7)
#else
    return false;
#endif
}

Sockets& native_sockets() noexcept {
    static PosixSockets sockets;
    return sockets;
}

} // namespace tidemill::detail
