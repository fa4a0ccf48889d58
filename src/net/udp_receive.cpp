// Receiving waits for readiness first, but a receive behind one that took all it could tries at
// once: floods come in bursts, and emptying the queue without a wait between datagrams saves a
// sixth of the work. The turn's budget ends such a series, so that a flood on one socket starves
// nobody. A batch is such a series already: the next one always waits for the next turn.
//
// A readiness report may have nothing behind it (a bad checksum, a datagram that another descriptor
// of this socket took): the wait goes on, with its own deadline.
//
// Once a socket gathers input, a message from the kernel may hold many datagrams. Batches of whole
// messages take it as it is; for the others it goes through `rest_` and is copied out of there.
// Gathering is never switched off again: what is queued would come out as one long datagram.

#include "core/completion.hpp"
#include "core/loop_core.hpp"
#include "net/udp_rest.hpp"
#include <algorithm>
#include <cstring>
#include <new>
#include <tidemill/core/require.hpp>
#include <utility>

namespace tidemill {

using detail::Interest;
using detail::PackedError;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
/// The largest datagram of either family fits.
constexpr std::size_t largest_datagram_bytes = std::size_t{64} << 10;
/// Errors in a row that are nothing to the caller, before the wait is taken up again.
constexpr int most_ignored_errors = 64;
constexpr std::size_t fewest_messages = 4; ///< asked for in a call

} // namespace

// The requests

bool detail::UdpReceiveRequest::start(PromiseBase& waiter) noexcept {
    return socket_.start_receive(*this, waiter);
}

void detail::UdpReceiveRequest::on_timer() noexcept {
    if (is_parked()) socket_.expire(*this); // else it has ended in this turn already
}

// Without memory for the explanation the error stands alone.
tl::unexpected<Error> detail::UdpReceiveRequest::explained() const noexcept {
    const bool is_icmp = extra_ != 0; // then it goes on at once, and the socket is there
    if (!is_icmp) return failure(error().code());
    try {
        return failure(Error(error().code(), socket_.last_icmp_report().to_string()));
    } catch (const std::bad_alloc&) {
        return failure(error().code());
    }
}

PackedError UdpReceiveOperation::take() noexcept { return socket_.receive_lease(datagram_); }

UdpReceiveIntoOperation::UdpReceiveIntoOperation(UdpSocket& socket, std::span<std::byte> into,
                                                 Deadline deadline) noexcept
    : UdpReceiveRequest(detail::SuspensionPoint::udp_receive, socket, deadline), into_(into) {
    TIDEMILL_REQUIRE(!into.empty(), "the memory to receive into is not empty");
}

PackedError UdpReceiveIntoOperation::take() noexcept {
    return socket_.receive_into(into_, datagram_.bytes, datagram_);
}

Result<std::size_t> UdpReceiveManyOperation::await_resume() const noexcept {
    if (error()) return explained();
    return batch_.size();
}

PackedError UdpReceiveManyOperation::take() noexcept { return socket_.receive_batch(batch_); }

// Waiting

bool UdpSocket::start_receive(detail::UdpReceiveRequest& request,
                              detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr, "a UDP socket is received from by one task at a time");
    if (!is_open()) return detail::complete(request, waiter, Errc::closed_locally);
    was_unwanted_ = false;
    // What is here already raises no event. There are never more than one message's datagrams, or
    // sixteen reports.
    const bool is_here = has_rest() || !reports_.empty();
    if ((is_here || (has_unread_ && loop_->has_budget())) && receive(request, false)) {
        // Goes on at once, even if that was the last of the budget: the next one waits then, with
        // no datagram in hand that a destroyed task would take along.
        loop_->charge(request.count(), request.size_bytes());
        return false;
    }
    if (const PackedError error = want(Interest::read))
        return detail::complete(request, waiter, error);
    reader_ = &request;
    request.park_timed(*this, waiter);
    return true;
}

void UdpSocket::on_readable() noexcept {
    if (reader_ == nullptr) {
        has_unread_ = true;
        // Not at the first: the reader is often busy with an answer, and back in the next turn.
        if (std::exchange(was_unwanted_, true)) drop(Interest::read);
        return;
    }
    if (!receive(*reader_, true)) return;
    detail::UdpReceiveRequest& request = *std::exchange(reader_, nullptr);
    request.finish_now(request.error());
}

// A datagram that is there beats a deadline that passed while the loop was busy.
void UdpSocket::expire(detail::UdpReceiveRequest& request) noexcept {
    const bool has_come = receive(request, true);
    reader_ = nullptr;
    request.finish_now(has_come ? request.error() : PackedError(Errc::deadline_expired));
}

void UdpSocket::on_leases_returned() noexcept {
    if (reader_ != nullptr) static_cast<void>(want(Interest::read));
}

// True if the receive has come to its end, with a datagram or without. `is_announced`: the selector
// has said that there is something.
bool UdpSocket::receive(detail::UdpReceiveRequest& request, bool is_announced) noexcept {
    for (int i = 0; i < most_ignored_errors; ++i) {
        if (!reports_.empty()) {
            last_report_ = reports_.pop();
            ++counters_.icmp_reported;
            has_unread_ = true;
            request.set_is_icmp();
            request.set_error(static_cast<std::errc>(last_report_.error.value()));
            return true;
        }
        if (late_error_ && !has_rest()) {
            request.set_error(std::exchange(late_error_, {}));
            return true;
        }
        const PackedError error = request.take();
        loop_->counters().bytes_received += error ? 0 : request.size_bytes();
        if (!error || !meet_icmp_error(error, is_announced)) {
            request.set_error(error);
            return error != would_block;
        }
    }
    return false;
}

// One at a time

bool UdpSocket::has_rest() const noexcept {
    return rest_ != nullptr && rest_->next != rest_->batch.end();
}

PackedError UdpSocket::receive_lease(Datagram& into) noexcept {
    detail::ChunkPool& pool = loop_->chunks();
    std::span<std::byte> run;
    try {
        run = pool.prepare(leases_, largest_datagram_bytes);
    } catch (const std::bad_alloc&) {
        return std::errc::not_enough_memory;
    }
    if (run.empty()) { // over budget: wait for leases to come back
        drop(Interest::read);
        loop_->wants_leases(slot_);
        return would_block;
    }
    run = run.first(std::min(run.size(), largest_datagram_bytes));
    std::size_t bytes = 0;
    const PackedError error = receive_into(run, bytes, into);
    into.payload = pool.commit(leases_, bytes);
    return error;
}

PackedError UdpSocket::receive_into(std::span<std::byte> into, std::size_t& bytes,
                                    DatagramHeader& header) noexcept {
    if (gathers_input_) {
        if (const PackedError error = fetch_rest()) return error;
        const DatagramView next = *rest_->next++;
        bytes = std::min(into.size(), next.payload().size());
        std::memcpy(into.data(), next.payload().data(), bytes);
        header = next.header();
        header.is_truncated = header.is_truncated || bytes < next.payload().size();
        return {};
    }
    const detail::DatagramResult came = loop_->sockets().receive_from(socket_, into);
    has_unread_ = came.error != would_block;
    bytes = came.bytes;
    header = {came.sender, has_one_address_ ? endpoint_.address() : came.own_address,
              came.interface_index, came.ecn, came.is_truncated};
    return came.error;
}

// Sees to it that there is a datagram in the rest.
PackedError UdpSocket::fetch_rest() noexcept {
    if (has_rest()) return {};
    try {
        if (rest_ == nullptr) rest_ = std::make_unique<Rest>();
    } catch (const std::bad_alloc&) {
        return std::errc::not_enough_memory;
    }
    const PackedError error = receive_messages(rest_->batch);
    rest_->next = rest_->batch.begin();
    return error;
}

// By the batch

PackedError UdpSocket::receive_batch(ReceiveBatch& batch) noexcept {
    const bool is_whole = batch.message_bytes() == ReceiveBatch::whole_bytes;
    if (is_whole && !gathers_input_ && may_gather_input_) gather_input();
    const bool is_split = has_rest() || (gathers_input_ && !is_whole);
    const PackedError error = is_split ? split_into(batch) : receive_messages(batch);
    if (!error) has_unread_ = static_cast<bool>(late_error_);
    return error;
}

void UdpSocket::gather_input() noexcept {
    may_gather_input_ = false;
    gathers_input_ = !loop_->sockets().set_option(socket_, detail::SocketOption::gather_input, 1);
}

// Asks for few more messages than came the last time: describing one to the kernel has its price.
PackedError UdpSocket::receive_messages(ReceiveBatch& batch) noexcept {
    const std::size_t asked =
        std::clamp<std::size_t>(2U * asked_messages_, fewest_messages, ReceiveBatch::most_messages);
    const auto room = batch.room().first(std::min(asked, batch.room().size()));
    detail::Sockets& sockets = loop_->sockets();
    const detail::ManyResult result = uses_many_per_call_
                                          ? sockets.receive_many(socket_, room)
                                          : sockets.detail::Sockets::receive_many(socket_, room);
    asked_messages_ = static_cast<std::uint16_t>(result.count);
    has_unread_ = result.count == room.size();
    if (result.count == 0) {
        has_unread_ = result.error != would_block;
        return result.error;
    }
    batch.set_filled(result.count, has_one_address_ ? &endpoint_.address() : nullptr);
    meet_late_error(result.error);
    return {};
}

// What a receive met behind the datagrams that it brought: the next one tells of it.
void UdpSocket::meet_late_error(PackedError error) noexcept {
    if (!error || error == would_block || meet_icmp_error(error, false)) return;
    late_error_ = error;
    has_unread_ = true;
}

// For batches of small messages, which could not hold what the kernel puts together.
PackedError UdpSocket::split_into(ReceiveBatch& batch) noexcept {
    const auto room = batch.room();
    std::size_t count = 0;
    for (; count < room.size(); ++count) {
        if (count > 0 && !has_rest() && !has_unread_) break;
        const PackedError error = receive_into(room[count].memory, room[count].bytes, room[count]);
        if (error && count == 0) return error;
        if (error) {
            meet_late_error(error);
            break;
        }
        room[count].segment_bytes = 0;
    }
    batch.set_filled(count, nullptr);
    return {};
}

} // namespace tidemill
