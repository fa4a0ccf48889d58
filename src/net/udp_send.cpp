// One datagram at a time, at once. What the system has no room for waits until it is writable.
//
// The error that a send meets may be that of an earlier datagram, which the system tells to the
// first call that comes along. So a send that failed in such a way is tried once more: without that
// a dead peer would cost a live one a datagram.

#include "core/completion.hpp"
#include "core/loop_core.hpp"
#include "net/icmp_errors.hpp"
#include "net/udp_output.hpp"
#include <tidemill/core/require.hpp>

namespace tidemill {

using detail::Interest;
using detail::PackedError;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;

} // namespace

Result<void> UdpSendOperation::await_resume() const {
    if (error()) return failure(error().code());
    return {};
}

bool UdpSendOperation::start(detail::PromiseBase& waiter) noexcept {
    return socket_.start_send(*this, waiter);
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
    const bool is_wanted = writer_ != nullptr || !output_->empty();
    if (!is_wanted) return drop(Interest::write);
    output_->send_some(); // resumes nobody
    if (writer_ == nullptr) return;
    if (!send(*writer_)) {
        // An error that nobody takes would be an event in every turn.
        if (has_error_queue_) static_cast<void>(drain_error_queue(true));
        return;
    }
    UdpSendOperation& request = *std::exchange(writer_, nullptr);
    request.finish_now(request.error());
}

// True if the send has come to its end.
bool UdpSocket::send(UdpSendOperation& request) noexcept {
    const Endpoint* const to = request.has_destination_ ? &request.to_ : nullptr;
    detail::IoResult result = loop_->sockets().send_to(socket_, request.bytes_, to);
    if (is_worth_retrying(result.error)) {
        const PackedError first = result.error;
        result = loop_->sockets().send_to(socket_, request.bytes_, to);
        if (!result.error) note_retried(first);
    }
    if (result.error == would_block) return false;
    loop_->counters().bytes_sent += result.bytes;
    request.set_error(result.error);
    return true;
}

// Whether the error that a send met may be that of an earlier datagram.
bool UdpSocket::is_worth_retrying(PackedError error) const noexcept {
    return error && (is_connected_ || icmp_policy_ == IcmpPolicy::report) &&
           detail::is_icmp_error(error);
}

// It was: the second attempt went.
void UdpSocket::note_retried(PackedError first) noexcept {
    ++counters_.retried_sends;
    static_cast<void>(meet_icmp_error(first, false));
}

} // namespace tidemill
