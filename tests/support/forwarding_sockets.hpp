// The platform's own socket calls behind a virtual function each: a test overrides the one that it
// wants to fail, and gives the object to a loop (`detail::Seams::sockets`).
#pragma once

#include "core/sockets.hpp"

namespace tidemill::support {

class ForwardingSockets : public detail::Sockets {
public:
    using Buffer = detail::Buffer;
    using PackedError = detail::PackedError;

    detail::SocketResult open(const IpAddress& family_of, detail::SocketKind kind) override {
        return real_.open(family_of, kind);
    }
    PackedError bind(NativeSocket socket, const Endpoint& local) override {
        return real_.bind(socket, local);
    }
    PackedError listen(NativeSocket socket, int backlog) override {
        return real_.listen(socket, backlog);
    }
    detail::SocketResult accept(NativeSocket listener, Endpoint* peer) override {
        return real_.accept(listener, peer);
    }
    PackedError connect(NativeSocket socket, const Endpoint& peer) override {
        return real_.connect(socket, peer);
    }
    PackedError connect_result(NativeSocket socket) override {
        return real_.connect_result(socket);
    }
    detail::IoResult receive(NativeSocket socket, std::span<std::byte> into) override {
        return real_.receive(socket, into);
    }
    detail::IoResult send(NativeSocket socket, Buffer bytes) override {
        return real_.send(socket, bytes);
    }
    detail::IoResult send_gathered(NativeSocket socket, std::span<const Buffer> pieces) override {
        return real_.send_gathered(socket, pieces);
    }
    detail::DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) override {
        return real_.receive_from(socket, into);
    }
    detail::IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) override {
        return real_.send_to(socket, bytes, peer);
    }
    [[nodiscard]] detail::DatagramFeatures datagram_features() const noexcept override {
        return real_.datagram_features();
    }
    detail::ManyResult receive_many(NativeSocket socket,
                                    std::span<detail::IncomingDatagram> into) override {
        return real_.receive_many(socket, into);
    }
    detail::ManyResult send_many(NativeSocket socket,
                                 std::span<const detail::OutgoingDatagram> messages) override {
        return real_.send_many(socket, messages);
    }
    PackedError set_icmp_policy(NativeSocket socket, IcmpPolicy policy) override {
        return real_.set_icmp_policy(socket, policy);
    }
    detail::IcmpResult next_icmp_report(NativeSocket socket) override {
        return real_.next_icmp_report(socket);
    }
    PackedError change_membership(NativeSocket socket,
                                  const detail::MembershipChange& change) override {
        return real_.change_membership(socket, change);
    }
    PackedError shutdown_write(NativeSocket socket) override {
        return real_.shutdown_write(socket);
    }
    void close(NativeSocket socket) noexcept override { real_.close(socket); }
    void close_with_reset(NativeSocket socket) noexcept override { real_.close_with_reset(socket); }
    detail::EndpointResult local_endpoint(NativeSocket socket) override {
        return real_.local_endpoint(socket);
    }
    detail::EndpointResult peer_endpoint(NativeSocket socket) override {
        return real_.peer_endpoint(socket);
    }
    PackedError set_option(NativeSocket socket, detail::SocketOption option, int value) override {
        return real_.set_option(socket, option, value);
    }
    detail::OptionResult option(NativeSocket socket, detail::SocketOption option) override {
        return real_.option(socket, option);
    }

    PackedError set_keep_alive(NativeSocket socket, const detail::KeepAlive& values) override {
        return real_.set_keep_alive(socket, values);
    }
    detail::TcpInfoResult tcp_info(NativeSocket socket) override { return real_.tcp_info(socket); }
    detail::Unacknowledged unacknowledged(NativeSocket socket,
                                          const detail::Accepted& accepted) override {
        return real_.unacknowledged(socket, accepted);
    }
    PackedError adopt_listener(NativeSocket socket) override {
        return real_.adopt_listener(socket);
    }
    PackedError adopt_datagrams(NativeSocket socket) override {
        return real_.adopt_datagrams(socket);
    }

protected:
    [[nodiscard]] detail::Sockets& real() const noexcept { return real_; }

private:
    detail::Sockets& real_ = detail::native_sockets();
};

} // namespace tidemill::support
