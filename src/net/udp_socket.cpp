// Receiving waits for readiness first, but a receive behind a successful one tries at once: floods
// come in bursts, and emptying the queue without a wait between datagrams saves a sixth of the
// work. The turn's budget ends such a series, so that a flood on one socket starves nobody.
//
// A readiness report may have nothing behind it (a bad checksum, a datagram that another descriptor
// of this socket took): the wait goes on, with its own deadline.

#include "core/completion.hpp"
#include "core/loop_core.hpp"
#include <new>
#include <tidemill/core/require.hpp>
#include <tidemill/net/udp_socket.hpp>

namespace tidemill {

using detail::Interest;
using detail::PackedError;
using detail::SocketOption;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
/// The largest datagram of either family fits.
constexpr std::size_t largest_datagram_bytes = std::size_t{64} << 10;

PackedError apply(detail::Sockets& sockets, NativeSocket socket, const IpAddress& family_of,
                  const UdpOptions& options) {
    struct {
        SocketOption option;
        int value;
        bool is_wanted;
    } const wanted[] = {
        {SocketOption::reuse_address, 1, options.reuse_address},
        {SocketOption::reuse_port, 1, options.reuse_port},
        {SocketOption::broadcast, 1, options.broadcast},
        {SocketOption::v6_only, options.dual_stack ? 0 : 1, family_of.is_v6()},
        {SocketOption::receive_buffer, options.receive_buffer_bytes,
         options.receive_buffer_bytes > 0},
        {SocketOption::send_buffer, options.send_buffer_bytes, options.send_buffer_bytes > 0},
    };
    PackedError error;
    for (const auto& [option, value, is_wanted] : wanted)
        if (is_wanted && !error) error = sockets.set_option(socket, option, value);
    return error;
}

struct Opened {
    NativeSocket socket = invalid_socket;
    Endpoint local;
    PackedError error;
};

using Attachment = PackedError (detail::Sockets::*)(NativeSocket, const Endpoint&);

// `attach` is bind or connect, and `to` its argument.
Opened open(detail::Sockets& sockets, const Endpoint& to, const UdpOptions& options,
            Attachment attach) {
    const detail::SocketResult made = sockets.open(to.address(), detail::SocketKind::datagram);
    Opened opened{made.socket, {}, made.error};
    if (opened.error) return opened;
    opened.error = apply(sockets, made.socket, to.address(), options);
    if (!opened.error) opened.error = (sockets.*attach)(made.socket, to);
    if (!opened.error) {
        const detail::EndpointResult local = sockets.local_endpoint(made.socket);
        opened.local = local.endpoint;
        opened.error = local.error;
    }
    if (opened.error) sockets.close(made.socket);
    return opened;
}

} // namespace

// Making and closing

Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(EventLoop& loop, const Endpoint& local,
                                                   const UdpOptions& options) {
    detail::LoopCore& core = loop.core();
    const Opened made = open(core.sockets(), local, options, &detail::Sockets::bind);
    if (made.error) return failure(Error(made.error.code(), "bind udp " + local.to_string()));
    return std::unique_ptr<UdpSocket>(new UdpSocket(core, made.socket, made.local, false));
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::connect(EventLoop& loop, const Endpoint& peer,
                                                      const UdpOptions& options) {
    detail::LoopCore& core = loop.core();
    const Opened made = open(core.sockets(), peer, options, &detail::Sockets::connect);
    if (made.error) return failure(Error(made.error.code(), "connect udp " + peer.to_string()));
    return std::unique_ptr<UdpSocket>(new UdpSocket(core, made.socket, made.local, true));
}

UdpSocket::UdpSocket(detail::LoopCore& loop, NativeSocket socket, const Endpoint& endpoint,
                     bool is_connected)
    : loop_(&loop), socket_(socket), slot_(loop.attach(*this)), endpoint_(endpoint),
      is_connected_(is_connected) {}

void UdpSocket::close() noexcept {
    if (!is_open()) return;
    cancel();
    loop_->closing(slot_, socket_, interest_, false);
    loop_->sockets().close(socket_);
    loop_->detach(slot_);
    loop_->descriptor_freed();
    socket_ = invalid_socket;
    interest_ = Interest::none;
    loop_ = nullptr;
}

void UdpSocket::on_loop_gone() noexcept {
    if (reader_ != nullptr) std::exchange(reader_, nullptr)->forget();
    if (writer_ != nullptr) std::exchange(writer_, nullptr)->forget();
    loop_->closing(slot_, socket_, interest_, false);
    loop_->sockets().close(socket_);
    socket_ = invalid_socket;
    interest_ = Interest::none;
    loop_ = nullptr;
}

void UdpSocket::cancel() noexcept {
    if (reader_ != nullptr) reader_->try_cancel();
    if (writer_ != nullptr) writer_->try_cancel();
}

void UdpSocket::abandon(detail::Operation& operation) noexcept {
    if (&operation == reader_) {
        reader_ = nullptr;
    } else {
        writer_ = nullptr;
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

// Receiving

detail::UdpReceiveRequest::UdpReceiveRequest(UdpSocket& socket, std::span<std::byte> into,
                                             Deadline deadline) noexcept
    : TimedOperation(SuspensionPoint::udp_receive, deadline), socket_(socket), into_(into) {
    TIDEMILL_REQUIRE(!into.empty(), "the memory to receive into is not empty");
}

bool detail::UdpReceiveRequest::start(PromiseBase& waiter) noexcept {
    return socket_.start_receive(*this, waiter);
}

void detail::UdpReceiveRequest::on_timer() noexcept {
    if (is_parked()) socket_.expire(*this); // else it has ended in this turn already
}

bool UdpSocket::start_receive(detail::UdpReceiveRequest& request,
                              detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr, "a UDP socket is received from by one task at a time");
    if (!is_open()) return detail::complete(request, waiter, Errc::closed_locally);
    if (has_unread_ && loop_->has_budget() && receive(request)) {
        // Goes on at once, even if that was the last of the budget: the next one waits then, with
        // no datagram in hand that a destroyed task would take along.
        loop_->charge(request.size_bytes());
        return false;
    }
    if (const PackedError error = want(Interest::read))
        return detail::complete(request, waiter, error);
    reader_ = &request;
    request.park_timed(*this, waiter);
    return true;
}

// Where a receive does not tell that a datagram was refused, the socket's pending error does.
void UdpSocket::on_ending(detail::Ending ending) noexcept {
    if (ending == detail::Ending::failed && is_connected_)
        reported_ = loop_->sockets().connect_result(socket_);
}

void UdpSocket::on_readable() noexcept {
    if (reader_ == nullptr) {
        has_unread_ = true;
        return drop(Interest::read);
    }
    if (!receive(*reader_)) return;
    detail::UdpReceiveRequest& request = *std::exchange(reader_, nullptr);
    request.finish_now(request.error());
}

// A datagram that is there beats a deadline that passed while the loop was busy.
void UdpSocket::expire(detail::UdpReceiveRequest& request) noexcept {
    const bool has_come = receive(request);
    reader_ = nullptr;
    request.finish_now(has_come ? request.error() : PackedError(Errc::deadline_expired));
}

void UdpSocket::on_leases_returned() noexcept {
    if (reader_ != nullptr) static_cast<void>(want(Interest::read));
}

// True if the receive has come to its end, with a datagram or without.
bool UdpSocket::receive(detail::UdpReceiveRequest& request) noexcept {
    if (reported_) [[unlikely]] {
        request.set_error(std::exchange(reported_, {}));
        return true;
    }
    if (request.wants_chunk()) return receive_lease(request);
    const detail::DatagramResult came = loop_->sockets().receive_from(socket_, request.into());
    return received(request, {}, came);
}

bool UdpSocket::receive_lease(detail::UdpReceiveRequest& request) noexcept {
    detail::ChunkPool& pool = loop_->chunks();
    std::span<std::byte> run;
    try {
        run = pool.prepare(leases_, largest_datagram_bytes);
    } catch (const std::bad_alloc&) {
        request.set_error(std::errc::not_enough_memory);
        return true;
    }
    if (run.empty()) { // over budget: wait for leases to come back
        drop(Interest::read);
        loop_->wants_leases(slot_);
        return false;
    }
    run = run.first(std::min(run.size(), largest_datagram_bytes));
    const detail::DatagramResult came = loop_->sockets().receive_from(socket_, run);
    return received(request, pool.commit(leases_, came.bytes), came);
}

bool UdpSocket::received(detail::UdpReceiveRequest& request, Chunk&& payload,
                         const detail::DatagramResult& came) noexcept {
    has_unread_ = came.error != would_block;
    if (!has_unread_) return false;
    if (!came.error)
        request.set_datagram(std::move(payload), came.bytes, came.sender, came.is_truncated);
    loop_->counters().bytes_received += came.bytes;
    request.set_error(came.error);
    return true;
}

// Sending

bool UdpSendOperation::start(detail::PromiseBase& waiter) noexcept {
    return socket_.start_send(*this, waiter);
}

Result<void> UdpSendOperation::await_resume() const {
    if (error()) return failure(error().code());
    return {};
}

bool UdpSocket::start_send(UdpSendOperation& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a UDP socket is sent from by one task at a time");
    PackedError error;
    if (!is_open()) {
        error = Errc::closed_locally;
    } else if (request.has_destination_ == is_connected_) {
        error = is_connected_ ? std::errc::already_connected : std::errc::not_connected;
    }
    if (error) return detail::complete(request, waiter, error);
    if (send(request))
        return detail::complete(request, waiter, request.error(), request.bytes_.size());
    error = want(Interest::write);
    if (error) return detail::complete(request, waiter, error);
    writer_ = &request;
    request.park_timed(*this, waiter);
    return true;
}

void UdpSocket::on_writable() noexcept {
    if (writer_ == nullptr) return drop(Interest::write);
    if (!send(*writer_)) return;
    UdpSendOperation& request = *std::exchange(writer_, nullptr);
    request.finish_now(request.error());
}

// True if the send has come to its end.
bool UdpSocket::send(UdpSendOperation& request) noexcept {
    const Endpoint* const to = request.has_destination_ ? &request.to_ : nullptr;
    const detail::IoResult result = loop_->sockets().send_to(socket_, request.bytes_, to);
    if (result.error == would_block) return false;
    loop_->counters().bytes_sent += result.bytes;
    request.set_error(result.error);
    return true;
}

} // namespace tidemill
