// TcpStream: reading.
//
// A read waits for readiness first and receives then; trying first costs a wasted call per message
// with request-response peers. The exception is a read behind one that has left something: it
// filled its buffer, or something lies behind its bytes that is no news by itself. The stream
// remembers that (`has_unread_`), since it asks the selector for news only.
//
// On the way of every message no function may be entered before a call into the kernel and left
// after it, unless it has to be: on processors whose kernels overwrite the return predictor, each
// such return is mispredicted, which costs as much as sixty instructions. So what lies between an
// event and its system call is inlined by force, and the last call of on_readable(), into the task,
// is a jump. docs/decisions/0003 has the figures.

#include "core/completion.hpp"
#include "core/resume.hpp"
#include "net/start_read.hpp"
#include <new>
#include <tidemill/core/require.hpp>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::complete;
using detail::Interest;
using detail::PackedError;
using detail::SuspensionPoint;

namespace {

constexpr std::size_t large_bytes = 4096;

} // namespace

// Over budget: the kernel keeps what has come until leases are returned.
bool TcpStream::await_leases() noexcept {
    drop(Interest::read);
    if (!wants_leases_) loop_->wants_leases(slot_);
    wants_leases_ = true;
    return false;
}

// True if the read has come to its end, with bytes or without.
bool TcpStream::try_receive(detail::ReadRequest& request) noexcept {
    if (request.wants_chunk()) return try_lease(request);
    const std::span<std::byte> into = request.into();
    const auto [bytes, error] = loop_->sockets().receive(socket_, into);
    if (!error) request.set_count(bytes);
    return received(bytes, into.size(), error, request);
}

bool TcpStream::try_lease(detail::ReadRequest& request) noexcept {
    detail::ChunkPool& chunks = loop_->chunks();
    std::span<std::byte> run;
    try {
        run = chunks.prepare(leases_);
    } catch (const std::bad_alloc&) {
        return received(0, 0, std::errc::not_enough_memory, request);
    }
    if (run.empty()) return await_leases();
    const auto [bytes, error] = loop_->sockets().receive(socket_, run);
    if (bytes > 0) request.chunk() = chunks.commit(leases_, bytes);
    return received(bytes, run.size(), error, request);
}

bool TcpStream::received(std::size_t bytes, std::size_t asked, PackedError error,
                         detail::ReadRequest& request) noexcept {
    if (bytes != 0) {
        count_received(bytes, asked);
        return true;
    }
    has_unread_ = false;
    if (error == PackedError(std::errc::operation_would_block)) return false;
    if (error || ending_ == detail::Ending::reset)
        ends_.on_read_error(error ? error : PackedError(std::errc::connection_reset));
    else
        ends_.on_end_of_input();
    request.set_error(ends_.read_error()); // the first fatal error, whoever has met it
    return true;
}

TIDEMILL_INLINE void TcpStream::count_received(std::size_t bytes, std::size_t asked) noexcept {
    has_unread_ = bytes == asked || reads_on_;
    received_ += bytes;
    loop_->counters().bytes_received += bytes;
}

TIDEMILL_INLINE bool TcpStream::wait_to_read(detail::ReadRequest& request,
                                             detail::PromiseBase& waiter) noexcept {
    deadlines_.start_read(*loop_, *this, request.deadline());
    reader_ = &request;
    request.park_here(*this, waiter);
    return true;
}

bool TcpStream::start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr, "a stream is read by one task at a time");
    if (ends_.read_has_ended() || has_unread_ || !includes(interest_, Interest::read)) [[unlikely]]
        return start_other_read(request, waiter);
    return wait_to_read(request, waiter);
}

// A read that finds the end, or bytes, or has to be registered first.
bool TcpStream::start_other_read(detail::ReadRequest& request,
                                 detail::PromiseBase& waiter) noexcept {
    if (ends_.read_has_ended()) {
        request.set_end();
        return complete(request, waiter, ends_.read_error(), 0);
    }
    const bool tries = has_unread_ && loop_->has_budget();
    if (tries && try_receive(request)) {
        // Not completed on the ready list, even if that was the last of the budget: the next read
        // waits for readiness then, without bytes in hand that a destroyed task would take along.
        loop_->charge(request.error() ? 0 : request.count());
        return false;
    }
    // Bytes that the budget leaves for the next turn have been reported already. Behind a large
    // read that found nothing it is asked again as well, lest there was something after all; small
    // ones take the kernel's word for it, for a call each would be dear.
    const bool was_reported =
        has_unread_ || (tries && (request.wants_chunk() || request.into().size() >= large_bytes));
    const PackedError error = was_reported && includes(interest_, Interest::read)
                                  ? loop_->renew(slot_, socket_, interest_)
                                  : want(Interest::read);
    if (error) {
        ends_.on_read_error(error);
        return complete(request, waiter, error, 0);
    }
    return wait_to_read(request, waiter);
}

// Only the first word counts: an end before a reset was in order.
void TcpStream::on_ending(detail::Ending ending) noexcept {
    if (ending_ == detail::Ending::unknown) ending_ = ending;
}

// The way of every message. Its last call, into the task, is a jump (see the head of this file).
void TcpStream::on_readable() {
    detail::ChunkPool& chunks = loop_->chunks();
    if (reader_ == nullptr || reader_->point() != SuspensionPoint::stream_read ||
        !chunks.can_lease_quickly()) [[unlikely]]
        return on_readable_otherwise();
    auto& request = static_cast<detail::ReadRequest&>(*reader_);
    const std::span<std::byte> run = chunks.prepare_quickly();
    const std::ptrdiff_t bytes = loop_->sockets().receive_now(socket_, run);
    if (!chunks.fits_quick_lease(bytes)) [[unlikely]]
        return on_unusual_receive(request, bytes, run.size());
    chunks.commit_quickly(leases_, static_cast<std::size_t>(bytes), request.chunk());
    count_received(static_cast<std::size_t>(bytes), run.size());
    reader_ = nullptr;
    request.finish_in_dispatch(*loop_);
}

// Much has come, or the end, or an error, or nothing.
void TcpStream::on_unusual_receive(detail::ReadRequest& request, std::ptrdiff_t bytes,
                                   std::size_t asked) noexcept {
    PackedError error;
    if (bytes < 0) error = loop_->sockets().last_error();
    if (error == PackedError(std::errc::interrupted)) return on_readable_otherwise();
    if (bytes > 0)
        request.chunk() = loop_->chunks().commit(leases_, static_cast<std::size_t>(bytes));
    if (!received(request.chunk().size(), asked, error, request)) return ask_again(request);
    reader_ = nullptr;
    request.finish_on(*loop_, request.error());
}

// Readiness with nothing behind it, which is allowed, but a selector that reports news only does
// not repeat what it has reported: asked again, it does. Behind an end or urgent data (`reads_on_`)
// it repeats itself from here on instead: news of urgent data alone would come for ever, and a
// receive never finds them.
void TcpStream::ask_again(detail::ReadRequest& request) noexcept {
    if (wants_leases_) return;
    const PackedError error =
        reads_on_ ? loop_->watch(slot_, socket_, interest_, without(interest_, Interest::news_only))
                  : loop_->renew(slot_, socket_, interest_);
    if (!error) return;
    ends_.on_read_error(error);
    reader_ = nullptr;
    request.finish_on(*loop_, error);
}

// Nobody reads, or somebody who wants no chunk, or other chunks are out.
void TcpStream::on_readable_otherwise() noexcept {
    if (reader_ == nullptr) {
        has_unread_ = true;
        return drop(Interest::read);
    }
    if (reader_->point() == SuspensionPoint::stream_close) {
        auto& request = static_cast<CloseOperation&>(*reader_);
        if (discard(request)) request.finish_now(request.error());
        return;
    }
    auto& request = static_cast<detail::ReadRequest&>(*reader_);
    if (!try_receive(request)) return ask_again(request);
    reader_ = nullptr;
    request.finish_on(*loop_, request.error());
}

void TcpStream::on_leases_returned() noexcept {
    wants_leases_ = false;
    if (reader_ == nullptr) return;
    const PackedError error = want(Interest::read);
    if (!error) return;
    ends_.on_read_error(error);
    std::exchange(reader_, nullptr)->finish_later(error);
}

} // namespace tidemill
