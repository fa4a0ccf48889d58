// Batches, sent at the end of a turn: one call takes messages of several tasks.
//
// A message is a run of datagrams that the kernel cuts apart, or one datagram. Of a run that the
// system refuses nothing has left, so its datagrams are sent one by one: only the guilty ones fail,
// and the outcome is the same as without runs. Behind a refused datagram the rest goes on.

#include "core/completion.hpp"
#include "core/loop_core.hpp"
#include "net/udp_output.hpp"
#include <algorithm>

namespace tidemill {

using detail::PackedError;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
/// Calls of the system in one turn, for one socket.
constexpr int calls_per_turn = 8;

} // namespace

// The operation

bool UdpSendManyOperation::start(detail::PromiseBase& waiter) noexcept {
    if (!socket_.is_open()) return detail::complete(*this, waiter, Errc::closed_locally);
    if (batch_.empty()) return detail::complete(*this, waiter, {});
    socket_.output_->add(*this);
    park_timed(socket_, waiter);
    return true;
}

// What had no time to be sent has failed as well.
SendOutcome UdpSendManyOperation::await_resume() const noexcept {
    SendOutcome outcome = outcome_;
    if (!error()) return outcome;
    if (outcome.failed == 0) {
        outcome.first_failed = place_.datagram;
        outcome.error = error().code();
    }
    outcome.failed = batch_.size() - outcome.sent;
    return outcome;
}

namespace detail {

// The queue

void UdpOutput::add(UdpSendManyOperation& operation) noexcept {
    (first_ == nullptr ? first_ : last_->next_) = &operation;
    last_ = &operation;
    socket_.loop_->flush_later(*this);
}

void UdpOutput::remove(UdpSendManyOperation& operation) noexcept {
    UdpSendManyOperation* before = nullptr;
    for (UdpSendManyOperation* each = first_; each != &operation; each = each->next_) before = each;
    (before == nullptr ? first_ : before->next_) = operation.next_;
    if (last_ == &operation) last_ = before;
    operation.next_ = nullptr;
}

void UdpOutput::cancel_all() noexcept {
    while (first_ != nullptr) first_->try_cancel();
}

void UdpOutput::forget_all() noexcept {
    stop_gathering();
    while (first_ != nullptr) {
        UdpSendManyOperation& each = *first_;
        remove(each);
        each.forget();
    }
}

void UdpOutput::fail_all(PackedError error) noexcept {
    while (first_ != nullptr) {
        UdpSendManyOperation& each = *first_;
        remove(each);
        each.finish_later(error);
    }
}

void UdpOutput::finish_complete() noexcept {
    while (first_ != nullptr && first_->place_.datagram == first_->batch_.size()) {
        UdpSendManyOperation& each = *first_;
        remove(each);
        each.finish_later({});
    }
}

// Sending

void UdpOutput::send_some() noexcept {
    for (int i = 0; i < calls_per_turn && first_ != nullptr; ++i)
        if (!send_call()) break;
    if (first_ == nullptr) return;
    if (const PackedError error = socket_.want(Interest::write)) fail_all(error);
}

// False if the system has no room for more.
bool UdpOutput::send_call() noexcept {
    Call& call = call_;
    call.count = 0;
    describe(call);
    Sockets& sockets = socket_.loop_->sockets();
    const std::span messages(call.messages.data(), call.count);
    const bool is_run = cuts_output_ && messages.front().segment_bytes != 0;
    const ManyResult result =
        socket_.uses_many_per_call_ ? sockets.send_many(socket_.socket_, messages)
        : is_run                    ? sockets.send_many(socket_.socket_, messages.first(1))
                 : sockets.Sockets::send_many(socket_.socket_, messages.first(1));
    sent(call, result.count);
    if (result.error && result.error != would_block) refused(call, result.count, result.error);
    finish_complete();
    return result.error != would_block;
}

void UdpOutput::describe(Call& call) noexcept {
    for (UdpSendManyOperation* each = first_; each != nullptr; each = each->next_) {
        Place place = each->place_;
        while (place.datagram < each->batch_.size())
            if (!describe_next(call, *each, place)) return;
    }
}

// The next message of a batch, and `place` behind it; false if the call is full.
bool UdpOutput::describe_next(Call& call, UdpSendManyOperation& operation, Place& place) noexcept {
    if (call.count == most_messages_per_call) return false;
    const SendBatch& batch = operation.batch_;
    const SendBatch::Run& run = batch.runs_[place.run];
    OutgoingDatagram& message = call.messages[call.count];
    message.to = run.has_destination ? &run.to : nullptr;
    const std::span<const Buffer> pieces(batch.pieces_.data() + run.first_piece, run.pieces);
    if (run.datagrams > 1 && cuts_output_ && operation.uncut_run_ != place.run) {
        message.pieces = pieces;
        message.segment_bytes = run.segment_bytes;
        place = {place.datagram + run.datagrams, place.run + 1, 0, 0, 0};
    } else {
        const Buffer piece = pieces[place.piece].subspan(place.within_piece);
        const bool is_alone = run.datagrams == 1; // then it may be longer than a datagram can be
        Buffer& single = call.singles[call.count];
        single =
            is_alone ? piece : piece.first(std::min<std::size_t>(piece.size(), run.segment_bytes));
        message.pieces = {&single, 1};
        message.segment_bytes = 0;
        ++place.datagram;
        place.within_piece += static_cast<std::uint32_t>(single.size());
        if (++place.within_run == run.datagrams) {
            place = {place.datagram, place.run + 1, 0, 0, 0};
        } else if (single.size() == piece.size()) {
            ++place.piece;
            place.within_piece = 0;
        }
    }
    call.operations[call.count] = &operation;
    call.behind[call.count++] = place;
    return true;
}

void UdpOutput::sent(const Call& call, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        UdpSendManyOperation& operation = *call.operations[i];
        operation.outcome_.sent += call.behind[i].datagram - operation.place_.datagram;
        operation.place_ = call.behind[i];
        operation.has_retried_ = false;
        for (const Buffer& piece : call.messages[i].pieces)
            socket_.loop_->counters().bytes_sent += piece.size();
    }
}

void UdpOutput::refused(const Call& call, std::size_t index, PackedError error) noexcept {
    UdpSendManyOperation& operation = *call.operations[index];
    if (!operation.has_retried_ && socket_.is_worth_retrying(error)) {
        operation.has_retried_ = true; // and what it met is not its own, if it goes now
        socket_.note_retried(error);
        return;
    }
    if (call.messages[index].segment_bytes != 0) {
        ++socket_.counters_.uncut_runs;
        operation.uncut_run_ = operation.place_.run;
        // What no device can do is not asked for again.
        if (error == PackedError(std::errc::io_error)) cuts_output_ = false;
        return;
    }
    SendOutcome& outcome = operation.outcome_;
    if (outcome.failed++ == 0) {
        outcome.first_failed = operation.place_.datagram;
        outcome.error = error.code();
    }
    operation.place_ = call.behind[index];
    operation.has_retried_ = false;
}

} // namespace detail
} // namespace tidemill
