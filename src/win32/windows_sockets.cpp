// The socket seam over Winsock calls. Each call completes at once or says that it would block; the
// kernel never holds a buffer of ours, whatever the flag WSA_FLAG_OVERLAPPED suggests.
//
// A send is cut at a limit: the system would buffer a call's bytes whole, however many, and the
// writer of a large block to a peer that never reads would not be bounded by the send buffer.

#include "core/sockets.hpp"
#include "win32/tcp_state.hpp"
#include "win32/windows.hpp"
#include "win32/windows_datagrams.hpp"
#include "win32/windows_multicast.hpp"
#include "win32/winsock.hpp"
#include "win32/winsock_error.hpp"
#include <algorithm>
#include <array>

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

constexpr std::size_t most_pieces = 64;
constexpr std::size_t most_bytes_per_send = std::size_t{1} << 20;
constexpr std::size_t most_bytes_per_receive = std::size_t{1} << 30;

struct OptionName {
    int level;
    int name;
};

int type_of(NativeSocket socket) noexcept {
    int type = 0;
    int size = static_cast<int>(sizeof type);
    const int result =
        ::getsockopt(socket, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size);
    return result == 0 ? type : 0;
}

// SO_REUSEADDR lets any process take a listening port over, here; a port that waits for the last
// packets of old connections can be bound again without it.
OptionName native_option(NativeSocket socket, SocketOption option) noexcept {
    switch (option) {
    case SocketOption::no_delay: return {IPPROTO_TCP, TCP_NODELAY};
    case SocketOption::keep_alive: return {SOL_SOCKET, SO_KEEPALIVE};
    case SocketOption::reuse_address:
        return {SOL_SOCKET, type_of(socket) == SOCK_DGRAM ? SO_REUSEADDR : SO_EXCLUSIVEADDRUSE};
    case SocketOption::reuse_port: return {-1, -1};
    case SocketOption::v6_only: return {IPPROTO_IPV6, IPV6_V6ONLY};
    case SocketOption::broadcast: return {SOL_SOCKET, SO_BROADCAST};
    case SocketOption::receive_buffer: return {SOL_SOCKET, SO_RCVBUF};
    case SocketOption::send_buffer: return {SOL_SOCKET, SO_SNDBUF};
    case SocketOption::multicast_interface: // by family
    case SocketOption::multicast_loop:
    case SocketOption::multicast_hops:
    case SocketOption::datagram_details:
    case SocketOption::gather_input: break;
    default: return {IPPROTO_TCP, tcp_option_name(option)};
    }
    return {-1, -1};
}

PackedError make_non_blocking(NativeSocket socket) noexcept {
    u_long on = 1;
    return outcome(::ioctlsocket(socket, static_cast<long>(FIONBIO), &on));
}

IoResult io_result(std::ptrdiff_t result) noexcept {
    if (result < 0) return {0, translated_stream_error(::WSAGetLastError())};
    return {static_cast<std::size_t>(result), {}};
}

using NameCall = int(WSAAPI*)(SOCKET, sockaddr*, int*);

EndpointResult name_of(NameCall call, NativeSocket socket) noexcept {
    NativeAddress address{};
    const PackedError error = outcome(call(socket, address.get(), &address.size));
    return {error ? Endpoint() : from_native(address), error};
}

char* as_chars(std::byte* bytes) noexcept { return reinterpret_cast<char*>(bytes); }
const char* as_chars(const std::byte* bytes) noexcept {
    return reinterpret_cast<const char*>(bytes);
}

class WindowsSockets final : public Sockets {
public:
    WindowsSockets() noexcept { start_winsock(); }

    SocketResult open(const IpAddress& family_of, SocketKind kind) override {
        const int family = family_of.is_v4() ? AF_INET : AF_INET6;
        const bool is_stream = kind == SocketKind::stream;
        const SOCKET socket = ::WSASocketW(family, is_stream ? SOCK_STREAM : SOCK_DGRAM, 0, nullptr,
                                           0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
        if (socket == INVALID_SOCKET) return {invalid_socket, last_socket_error()};
        if (const PackedError error = make_non_blocking(socket)) {
            ::closesocket(socket);
            return {invalid_socket, error};
        }
        return {socket, {}};
    }

    PackedError bind(NativeSocket socket, const Endpoint& local) override {
        const NativeAddress address = to_native(local);
        return outcome(::bind(socket, address.get(), address.size));
    }

    PackedError listen(NativeSocket socket, int backlog) override {
        return outcome(::listen(socket, backlog));
    }

    // The new socket has the listener's properties, but for inheritance by child processes.
    SocketResult accept(NativeSocket listener, Endpoint* peer) override {
        NativeAddress address{};
        const SOCKET socket = ::accept(listener, address.get(), &address.size);
        if (socket == INVALID_SOCKET) return {invalid_socket, last_socket_error()};
        ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
        if (const PackedError error = make_non_blocking(socket)) {
            ::closesocket(socket);
            return {invalid_socket, error};
        }
        if (peer != nullptr) *peer = from_native(address);
        return {socket, {}};
    }

    PackedError connect(NativeSocket socket, const Endpoint& peer) override {
        const NativeAddress address = to_native(peer);
        if (::connect(socket, address.get(), address.size) == 0) return {};
        const PackedError error = last_socket_error();
        return error == PackedError(std::errc::operation_would_block)
                   ? PackedError(std::errc::operation_in_progress)
                   : error;
    }

    PackedError connect_result(NativeSocket socket) override {
        int number = 0;
        int size = static_cast<int>(sizeof number);
        if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&number), &size) !=
            0)
            return last_socket_error();
        return translated(number);
    }

    IoResult receive(NativeSocket socket, std::span<std::byte> into) override {
        return io_result(receive_now(socket, into));
    }
    IoResult send(NativeSocket socket, Buffer bytes) override {
        return io_result(send_now(socket, bytes));
    }

    std::ptrdiff_t receive_now(NativeSocket socket, std::span<std::byte> into) override {
        const std::size_t size = std::min(into.size(), most_bytes_per_receive);
        return ::recv(socket, as_chars(into.data()), static_cast<int>(size), 0);
    }
    std::ptrdiff_t send_now(NativeSocket socket, Buffer bytes) override {
        const std::size_t size = std::min(bytes.size(), most_bytes_per_send);
        return ::send(socket, as_chars(bytes.data()), static_cast<int>(size), 0);
    }
    [[nodiscard]] PackedError last_error() const noexcept override {
        return translated_stream_error(::WSAGetLastError());
    }

    IoResult send_gathered(NativeSocket socket, std::span<const Buffer> pieces) override {
        std::array<WSABUF, most_pieces> buffers;
        DWORD count = 0;
        std::size_t room = most_bytes_per_send;
        for (const Buffer& piece : pieces) {
            if (count == buffers.size() || room == 0) break;
            const std::size_t size = std::min(piece.size(), room);
            buffers[count++] = {static_cast<ULONG>(size),
                                const_cast<char*>(as_chars(piece.data()))};
            room -= size;
        }
        DWORD sent = 0;
        if (::WSASend(socket, buffers.data(), count, &sent, 0, nullptr, nullptr) != 0)
            return {0, translated_stream_error(::WSAGetLastError())};
        return {sent, {}};
    }

    DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) override {
        return receive_datagram(socket, into);
    }

    IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) override {
        NativeAddress address{};
        if (peer != nullptr) address = to_native(*peer);
        const int sent =
            ::sendto(socket, as_chars(bytes.data()), static_cast<int>(bytes.size()), 0,
                     peer != nullptr ? address.get() : nullptr, peer != nullptr ? address.size : 0);
        if (sent >= 0) return {static_cast<std::size_t>(sent), {}};
        return {0, translated_datagram_error(::WSAGetLastError())};
    }

    PackedError change_membership(NativeSocket socket, const MembershipChange& change) override {
        return change_multicast_membership(socket, change);
    }
    PackedError set_icmp_policy(NativeSocket socket, IcmpPolicy policy) override {
        set_datagram_icmp_policy(socket, policy);
        return {};
    }

    PackedError shutdown_write(NativeSocket socket) override {
        return outcome(::shutdown(socket, SD_SEND));
    }

    void close(NativeSocket socket) noexcept override { ::closesocket(socket); }

    void close_with_reset(NativeSocket socket) noexcept override {
        const linger at_once{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once),
                     static_cast<int>(sizeof at_once));
        ::closesocket(socket);
    }

    EndpointResult local_endpoint(NativeSocket socket) override {
        return name_of(::getsockname, socket);
    }
    EndpointResult peer_endpoint(NativeSocket socket) override {
        return name_of(::getpeername, socket);
    }

    PackedError set_option(NativeSocket socket, SocketOption option, int value) override {
        if (option == SocketOption::datagram_details) return tell_datagram_details(socket);
        const auto [level, name] = native_option(socket, option);
        if (name == -1) return set_multicast_option(socket, option, value);
        return outcome(::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value),
                                    static_cast<int>(sizeof value)));
    }

    OptionResult option(NativeSocket socket, SocketOption option) override {
        const auto [level, name] = native_option(socket, option);
        if (name == -1) return {0, Errc::not_supported};
        OptionResult result;
        int size = static_cast<int>(sizeof result.value);
        result.error = outcome(
            ::getsockopt(socket, level, name, reinterpret_cast<char*>(&result.value), &size));
        return result;
    }

    // Old systems, and Wine, know the values together only.
    PackedError set_keep_alive(NativeSocket socket, const KeepAlive& keep_alive) override {
        const PackedError error = Sockets::set_keep_alive(socket, keep_alive);
        return error == PackedError(std::errc::no_protocol_option)
                   ? set_keep_alive_values(socket, keep_alive)
                   : error;
    }
    TcpInfoResult tcp_info(NativeSocket socket) override { return tcp_info_of(socket); }
    Unacknowledged unacknowledged(NativeSocket socket, const Accepted& accepted) override {
        return unacknowledged_of(socket, accepted);
    }
    PackedError adopt_listener(NativeSocket socket) override {
        if (const PackedError error = check_listening(socket)) return error;
        ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
        return make_non_blocking(socket);
    }
    PackedError adopt_datagrams(NativeSocket socket) override {
        if (const PackedError error = check_bound_datagrams(socket)) return error;
        send_each_as_it_is(socket);
        ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
        return make_non_blocking(socket);
    }
};

} // namespace

bool shared_ports_are_balanced() noexcept { return false; }

Sockets& native_sockets() noexcept {
    static WindowsSockets sockets;
    return sockets;
}

} // namespace tidemill::detail
