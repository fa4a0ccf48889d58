// Making a UDP socket, what it is told of by ICMP, and its end.
//
// A refused datagram is news of the past. Where there is an error queue it comes from there, with
// the peer that it is about; the error that a call meets is then only the hint to look. Elsewhere
// that error is all there is. Either way a receive hands the news out once, or never, by policy.

#include "core/loop_core.hpp"
#include "net/datagram_opening.hpp"
#include "net/icmp_errors.hpp"
#include "net/udp_output.hpp"
#include "net/udp_rest.hpp"
#include <new>
#include <tidemill/net/udp_socket.hpp>
#include <utility>

namespace tidemill {

using detail::Interest;
using detail::PackedError;
using detail::SocketOption;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
/// Entries of the error queue that are read in one go.
constexpr int most_queued_errors = 64;

// Those that come before binding are for a socket that is not bound yet, and `family` is its; null:
// they were its maker's choice.
PackedError apply(detail::Sockets& sockets, NativeSocket socket, const IpAddress* family,
                  const UdpOptions& options) {
    const bool is_unbound = family != nullptr;
    struct {
        SocketOption option;
        int value;
        bool is_wanted;
    } const wanted[] = {
        {SocketOption::reuse_address, 1, is_unbound && options.reuse_address},
        {SocketOption::reuse_port, 1, is_unbound && options.reuse_port},
        {SocketOption::broadcast, 1, options.broadcast},
        {SocketOption::v6_only, options.dual_stack ? 0 : 1, is_unbound && family->is_v6()},
        {SocketOption::receive_buffer, options.receive_buffer_bytes,
         options.receive_buffer_bytes > 0},
        {SocketOption::send_buffer, options.send_buffer_bytes, options.send_buffer_bytes > 0},
    };
    PackedError error;
    for (const auto& [option, value, is_wanted] : wanted)
        if (is_wanted && !error) error = sockets.set_option(socket, option, value);
    return error;
}

IcmpPolicy policy_of(const UdpOptions& options, bool is_connected) noexcept {
    return options.icmp.value_or(is_connected ? IcmpPolicy::report : IcmpPolicy::ignore);
}

// A system that cannot say which policy it follows, or tell details, works all the same.
void ask_for_news(detail::Sockets& sockets, const UdpOptions& options, bool is_connected,
                  detail::OpenedDatagrams& opened) {
    opened.follows_policy =
        !sockets.set_icmp_policy(opened.socket, policy_of(options, is_connected));
    if (options.details)
        static_cast<void>(sockets.set_option(opened.socket, SocketOption::datagram_details, 1));
}

PackedError find_endpoints(detail::Sockets& sockets, detail::OpenedDatagrams& adopted) {
    const detail::EndpointResult local = sockets.local_endpoint(adopted.socket);
    adopted.local = local.endpoint;
    if (local.error) return local.error;
    const detail::EndpointResult peer = sockets.peer_endpoint(adopted.socket);
    if (peer.error == PackedError(std::errc::not_connected)) return {};
    adopted.peer = peer.endpoint;
    return peer.error;
}

// What the kernel puts together from the start has to be taken apart, wanted or not.
PackedError find_gathering(detail::Sockets& sockets, detail::OpenedDatagrams& adopted) {
    if (!sockets.datagram_features().gathers_input) return {};
    const auto [value, error] = sockets.option(adopted.socket, SocketOption::gather_input);
    adopted.gathers_input = value != 0;
    return error == PackedError(std::errc::no_protocol_option) ? PackedError() : error;
}

} // namespace

// Bound to `to`, or connected to it.
detail::OpenedDatagrams detail::open_datagram_socket(Sockets& sockets, const Endpoint& to,
                                                     const UdpOptions& options, bool is_connected) {
    const detail::SocketResult made = sockets.open(to.address(), detail::SocketKind::datagram);
    OpenedDatagrams opened;
    opened.socket = made.socket;
    opened.error = made.error;
    if (is_connected) opened.peer = to;
    if (opened.error) return opened;
    opened.error = apply(sockets, made.socket, &to.address(), options);
    if (!opened.error)
        opened.error =
            is_connected ? sockets.connect(made.socket, to) : sockets.bind(made.socket, to);
    if (!opened.error) ask_for_news(sockets, options, is_connected, opened);
    if (!opened.error) {
        const detail::EndpointResult local = sockets.local_endpoint(made.socket);
        opened.local = local.endpoint;
        opened.error = local.error;
    }
    if (opened.error) sockets.close(std::exchange(opened.socket, invalid_socket));
    return opened;
}

detail::OpenedDatagrams detail::adopt_datagram_socket(Sockets& sockets, NativeSocket socket,
                                                      const UdpOptions& options) {
    OpenedDatagrams adopted;
    adopted.socket = socket;
    adopted.error = sockets.adopt_datagrams(socket);
    if (!adopted.error) adopted.error = apply(sockets, socket, nullptr, options);
    if (!adopted.error) adopted.error = find_endpoints(sockets, adopted);
    if (!adopted.error) adopted.error = find_gathering(sockets, adopted);
    if (!adopted.error) ask_for_news(sockets, options, adopted.peer != Endpoint(), adopted);
    return adopted;
}

// Making and closing

Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(EventLoop& loop, const Endpoint& local,
                                                   const UdpOptions& options) {
    return make(loop, local, options, false);
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::connect(EventLoop& loop, const Endpoint& peer,
                                                      const UdpOptions& options) {
    return make(loop, peer, options, true);
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::make(EventLoop& loop, const Endpoint& to,
                                                   const UdpOptions& options, bool is_connected) {
    detail::LoopCore& core = loop.core();
    const detail::OpenedDatagrams made =
        detail::open_datagram_socket(core.sockets(), to, options, is_connected);
    if (made.error)
        return failure(Error(made.error.code(),
                             (is_connected ? "connect udp " : "bind udp ") + to.to_string()));
    try {
        return std::unique_ptr<UdpSocket>(new UdpSocket(core, made, is_connected, options));
    } catch (const std::bad_alloc&) {
        core.sockets().close(made.socket);
        throw;
    }
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::adopt(EventLoop& loop, NativeSocket socket,
                                                    const UdpOptions& options) {
    detail::LoopCore& core = loop.core();
    const auto adopted = detail::adopt_datagram_socket(core.sockets(), socket, options);
    if (adopted.error) return failure(Error(adopted.error.code(), "adopt a UDP socket"));
    return std::unique_ptr<UdpSocket>(
        new UdpSocket(core, adopted, adopted.peer != Endpoint(), options));
}

// The slot comes last: what throws behind it would leave it to a socket that was never made.

UdpSocket::UdpSocket(detail::LoopCore& loop, const detail::OpenedDatagrams& opened,
                     bool is_connected, const UdpOptions& options)
    : loop_(&loop), socket_(opened.socket), endpoint_(opened.local), peer_(opened.peer),
      is_connected_(is_connected), gathers_input_(opened.gathers_input),
      has_one_address_(!opened.local.address().is_any()),
      icmp_policy_(policy_of(options, is_connected)) {
    const detail::DatagramFeatures features = loop.sockets().datagram_features();
    uses_many_per_call_ = options.many_per_call && features.many_per_call;
    may_gather_input_ = options.gathers_input && features.gathers_input;
    // Without a queue, refusals are told by the errors of calls, where the system tells at all.
    has_error_queue_ =
        features.has_error_queue && icmp_policy_ == IcmpPolicy::report && opened.follows_policy;
    output_ =
        std::make_unique<detail::UdpOutput>(*this, options.cuts_output && features.cuts_output);
    slot_ = loop.attach(*this);
}

UdpSocket::~UdpSocket() { close(); }

void UdpSocket::close() noexcept {
    if (!is_open()) return;
    cancel();
    detail::LoopCore& loop = *loop_;
    forget_loop();
    loop.detach(slot_);
    loop.descriptor_freed();
}

void UdpSocket::forget_loop() noexcept {
    loop_->closing(slot_, socket_, interest_, false);
    loop_->sockets().close(socket_);
    socket_ = invalid_socket;
    interest_ = Interest::none;
    loop_ = nullptr;
}

void UdpSocket::on_loop_gone() noexcept {
    if (reader_ != nullptr) std::exchange(reader_, nullptr)->forget();
    if (writer_ != nullptr) std::exchange(writer_, nullptr)->forget();
    output_->forget_all();
    forget_loop();
}

void UdpSocket::cancel() noexcept {
    if (reader_ != nullptr) reader_->try_cancel();
    if (writer_ != nullptr) writer_->try_cancel();
    output_->cancel_all();
}

void UdpSocket::abandon(detail::Operation& operation) noexcept {
    if (&operation == reader_) {
        reader_ = nullptr;
    } else if (&operation == writer_) {
        writer_ = nullptr;
    } else {
        output_->remove(static_cast<UdpSendManyOperation&>(operation));
    }
}

// Interest: asked for when somebody starts to wait, dropped only when an unwanted event has come.

PackedError UdpSocket::want(Interest more) noexcept {
    return loop_->watch(slot_, socket_, interest_, interest_ | more);
}

void UdpSocket::drop(Interest less) noexcept {
    // On failure the event comes again, and with it the next attempt.
    if (includes(interest_, less))
        static_cast<void>(loop_->watch(slot_, socket_, interest_, without(interest_, less)));
}

// ICMP

Result<void> UdpSocket::set_icmp_policy(IcmpPolicy policy) {
    if (!is_open()) return failure(Errc::closed_locally);
    if (const PackedError error = loop_->sockets().set_icmp_policy(socket_, policy))
        return failure(Error(error.code(), "ICMP policy of udp " + endpoint_.to_string()));
    icmp_policy_ = policy;
    has_error_queue_ =
        policy == IcmpPolicy::report && loop_->sockets().datagram_features().has_error_queue;
    if (policy == IcmpPolicy::ignore) reports_.clear();
    return {};
}

// Where a receive does not tell that a datagram was refused, the socket's pending error does.
void UdpSocket::on_ending(detail::Ending ending) noexcept {
    if (ending != detail::Ending::failed || !is_connected_) return;
    if (const PackedError error = loop_->sockets().connect_result(socket_))
        static_cast<void>(meet_icmp_error(error, false));
}

// A receive met `error`. True if it is to look again: for data, or for a report to hand out.
bool UdpSocket::meet_icmp_error(PackedError error, bool is_announced) noexcept {
    if (error == would_block) // announced all the same: by an error whose hint a send has met
        return is_announced && has_error_queue_ && drain_error_queue(false);
    if (!detail::is_icmp_error(error)) return false;
    if (icmp_policy_ == IcmpPolicy::ignore) {
        ++counters_.icmp_ignored;
    } else if (has_error_queue_) {
        static_cast<void>(drain_error_queue(false)); // if it is empty, this was told before
    } else {
        IcmpReport report;
        report.error = error.code();
        report.peer = peer_;
        keep_report(report);
    }
    return true;
}

// True if something came of it. What there is no room for is left to the kernel, or, if it would
// keep the loop busy there, counted and forgotten.
bool UdpSocket::drain_error_queue(bool discards_rest) noexcept {
    bool has_any = false;
    for (int i = 0; i < most_queued_errors && (discards_rest || !reports_.is_full()); ++i) {
        const detail::IcmpResult next = loop_->sockets().next_icmp_report(socket_);
        if (next.error == PackedError(std::errc::interrupted)) continue;
        if (next.error) break;
        keep_report(next.report);
        has_any = true;
    }
    return has_any;
}

void UdpSocket::keep_report(const IcmpReport& report) noexcept {
    if (reports_.is_full()) {
        ++counters_.icmp_unreported;
    } else {
        reports_.push(report);
    }
}

} // namespace tidemill
