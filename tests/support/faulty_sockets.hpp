// Socket calls of which the n-th fails, by a plan; the others are the platform's own.
//
// A call that is to fail is not made, as under strace's fault injection; one that is to be cut
// moves a single byte. receive_now() and send_now(), where every message passes, are decorated
// themselves and not by way of the other form (docs/decisions/0003), and last_error() belongs to
// them.
#pragma once

#include "support/faulty_selector.hpp"
#include "support/forwarding_sockets.hpp"

#include <algorithm>

namespace tidemill::support {

class FaultySockets : public ForwardingSockets {
public:
    FaultySockets(FaultPlan& plan, SocketLedger& ledger) noexcept : plan_(plan), ledger_(ledger) {}
    /// Where what a cut receive leaves is told again.
    void set_selector(FaultySelector& selector) noexcept { selector_ = &selector; }

    detail::SocketResult open(const IpAddress& family_of, detail::SocketKind kind) override {
        if (plan_.strikes(Call::open, invalid_socket)) return {invalid_socket, error()};
        return entered(ForwardingSockets::open(family_of, kind));
    }
    PackedError bind(NativeSocket socket, const Endpoint& local) override {
        if (plan_.strikes(Call::bind, socket)) return error();
        return ForwardingSockets::bind(socket, local);
    }
    PackedError listen(NativeSocket socket, int backlog) override {
        if (plan_.strikes(Call::listen, socket)) return error();
        return ForwardingSockets::listen(socket, backlog);
    }
    detail::SocketResult accept(NativeSocket listener, Endpoint* peer) override {
        if (plan_.strikes(Call::accept, listener)) return {invalid_socket, error()};
        return entered(ForwardingSockets::accept(listener, peer));
    }
    // One that "goes on" has to begin.
    PackedError connect(NativeSocket socket, const Endpoint& peer) override {
        const bool strikes = plan_.strikes(Call::connect, socket);
        const bool goes_on = error() == PackedError(std::errc::operation_in_progress);
        if (strikes && !goes_on) return error();
        const PackedError real = ForwardingSockets::connect(socket, peer);
        return strikes && !real ? error() : real;
    }
    PackedError connect_result(NativeSocket socket) override {
        if (plan_.strikes(Call::connect_result, socket)) return error();
        return ForwardingSockets::connect_result(socket);
    }

    detail::IoResult receive(NativeSocket socket, std::span<std::byte> into) override {
        if (!plan_.strikes(Call::receive, socket)) return ForwardingSockets::receive(socket, into);
        if (error()) return {0, error()};
        const detail::IoResult cut = ForwardingSockets::receive(socket, first_of(into));
        tell_again(socket);
        return cut;
    }
    std::ptrdiff_t receive_now(NativeSocket socket, std::span<std::byte> into) override {
        if (!plan_.strikes(Call::receive_now, socket))
            return noted(real().receive_now(socket, into));
        if (error()) return failed();
        const std::ptrdiff_t cut = noted(real().receive_now(socket, first_of(into)));
        tell_again(socket);
        return cut;
    }
    detail::IoResult send(NativeSocket socket, Buffer bytes) override {
        if (!plan_.strikes(Call::send, socket)) return ForwardingSockets::send(socket, bytes);
        return error() ? detail::IoResult{0, error()}
                       : ForwardingSockets::send(socket, first_of(bytes));
    }
    std::ptrdiff_t send_now(NativeSocket socket, Buffer bytes) override {
        if (!plan_.strikes(Call::send_now, socket)) return noted(real().send_now(socket, bytes));
        return error() ? failed() : noted(real().send_now(socket, first_of(bytes)));
    }
    [[nodiscard]] PackedError last_error() const noexcept override { return last_error_; }
    detail::IoResult send_gathered(NativeSocket socket, std::span<const Buffer> pieces) override {
        if (!plan_.strikes(Call::send_gathered, socket))
            return ForwardingSockets::send_gathered(socket, pieces);
        return error() ? detail::IoResult{0, error()}
                       : ForwardingSockets::send(socket, first_of(pieces[0]));
    }
    detail::DatagramResult receive_from(NativeSocket socket, std::span<std::byte> into) override {
        if (plan_.strikes(Call::receive_from, socket)) {
            detail::DatagramResult result;
            result.error = error();
            return result;
        }
        return ForwardingSockets::receive_from(socket, into);
    }
    detail::IoResult send_to(NativeSocket socket, Buffer bytes, const Endpoint* peer) override {
        if (plan_.strikes(Call::send_to, socket)) return {0, error()};
        return ForwardingSockets::send_to(socket, bytes, peer);
    }
    detail::ManyResult receive_many(NativeSocket socket,
                                    std::span<detail::IncomingDatagram> into) override {
        if (!plan_.strikes(Call::receive_many, socket))
            return ForwardingSockets::receive_many(socket, into);
        if (error()) return {0, error()};
        const detail::ManyResult cut = ForwardingSockets::receive_many(socket, first_of(into));
        tell_again(socket);
        return cut;
    }
    detail::ManyResult send_many(NativeSocket socket,
                                 std::span<const detail::OutgoingDatagram> messages) override {
        if (!plan_.strikes(Call::send_many, socket))
            return ForwardingSockets::send_many(socket, messages);
        return error() ? detail::ManyResult{0, error()}
                       : ForwardingSockets::send_many(socket, first_of(messages));
    }
    PackedError set_icmp_policy(NativeSocket socket, IcmpPolicy policy) override {
        if (plan_.strikes(Call::set_icmp_policy, socket)) return error();
        return ForwardingSockets::set_icmp_policy(socket, policy);
    }
    detail::IcmpResult next_icmp_report(NativeSocket socket) override {
        if (plan_.strikes(Call::next_icmp_report, socket)) return {{}, error()};
        return ForwardingSockets::next_icmp_report(socket);
    }
    PackedError change_membership(NativeSocket socket,
                                  const detail::MembershipChange& change) override {
        if (plan_.strikes(Call::change_membership, socket)) return error();
        return ForwardingSockets::change_membership(socket, change);
    }

    PackedError shutdown_write(NativeSocket socket) override {
        if (plan_.strikes(Call::shutdown_write, socket)) return error();
        return ForwardingSockets::shutdown_write(socket);
    }
    void close(NativeSocket socket) noexcept override {
        left(socket);
        ForwardingSockets::close(socket);
    }
    void close_with_reset(NativeSocket socket) noexcept override {
        left(socket);
        ForwardingSockets::close_with_reset(socket);
    }
    detail::EndpointResult local_endpoint(NativeSocket socket) override {
        if (plan_.strikes(Call::local_endpoint, socket)) return {Endpoint(), error()};
        return ForwardingSockets::local_endpoint(socket);
    }
    detail::EndpointResult peer_endpoint(NativeSocket socket) override {
        if (plan_.strikes(Call::peer_endpoint, socket)) return {Endpoint(), error()};
        return ForwardingSockets::peer_endpoint(socket);
    }
    PackedError set_option(NativeSocket socket, detail::SocketOption option, int value) override {
        if (plan_.strikes(Call::set_option, socket)) return error();
        return ForwardingSockets::set_option(socket, option, value);
    }
    detail::OptionResult option(NativeSocket socket, detail::SocketOption option) override {
        if (plan_.strikes(Call::option, socket)) return {0, error()};
        return ForwardingSockets::option(socket, option);
    }
    PackedError set_keep_alive(NativeSocket socket, const detail::KeepAlive& values) override {
        if (plan_.strikes(Call::set_keep_alive, socket)) return error();
        return ForwardingSockets::set_keep_alive(socket, values);
    }
    detail::TcpInfoResult tcp_info(NativeSocket socket) override {
        if (plan_.strikes(Call::tcp_info, socket)) return {{}, error()};
        return ForwardingSockets::tcp_info(socket);
    }
    detail::Unacknowledged unacknowledged(NativeSocket socket,
                                          const detail::Accepted& accepted) override {
        if (plan_.strikes(Call::unacknowledged, socket)) return {0, false, 0, error()};
        return ForwardingSockets::unacknowledged(socket, accepted);
    }
    PackedError adopt_listener(NativeSocket socket) override {
        if (plan_.strikes(Call::adopt_listener, socket)) return error();
        return ForwardingSockets::adopt_listener(socket);
    }
    PackedError adopt_datagrams(NativeSocket socket) override {
        if (plan_.strikes(Call::adopt_datagrams, socket)) return error();
        return ForwardingSockets::adopt_datagrams(socket);
    }

private:
    template <class Bytes> static Bytes first_of(Bytes bytes) {
        return bytes.first(std::min<std::size_t>(bytes.size(), 1));
    }
    [[nodiscard]] PackedError error() const noexcept { return plan_.fault().error; }
    [[nodiscard]] std::ptrdiff_t failed() noexcept {
        last_error_ = error();
        return -1;
    }
    // The real call's error is asked for at once: what the decorators do may change it.
    [[nodiscard]] std::ptrdiff_t noted(std::ptrdiff_t result) noexcept {
        if (result < 0) last_error_ = real().last_error();
        return result;
    }
    void tell_again(NativeSocket socket) {
        if (selector_ != nullptr) selector_->tell_again(socket);
    }
    detail::SocketResult entered(detail::SocketResult result) {
        if (!result.error) ledger_.opened(result.socket);
        return result;
    }
    void left(NativeSocket socket) noexcept {
        ledger_.closed(socket);
        plan_.forget(socket);
    }

    FaultPlan& plan_;
    SocketLedger& ledger_;
    FaultySelector* selector_ = nullptr;
    PackedError last_error_;
};

} // namespace tidemill::support
