// MemoryStream: TcpStream's rules over a ring of bytes in place of a socket.
//
// The kernel reports readiness by itself; here each end tells the link when it has changed what the
// other one waits for, and the link calls serve() in the loop's step 7.

#include "core/completion.hpp"
#include "net/start_read.hpp"
#include "testing/memory_link.hpp"
#include <algorithm>
#include <array>
#include <tidemill/core/require.hpp>

namespace tidemill::testing {

using detail::complete;
using detail::Operation;
using detail::PackedError;
using detail::SuspensionPoint;

namespace {

constexpr std::size_t most_pieces_per_transfer = 64;

} // namespace

// Reading

bool MemoryStream::can_receive() const noexcept {
    const detail::MemoryPipe& in = input();
    return in.size() > 0 || in.is_ended || in.is_reset || read_fault_.is_due();
}

bool MemoryStream::start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr, "a stream is read by one task at a time");
    if (ends_.read_has_ended()) {
        request.set_end();
        return complete(request, waiter, ends_.read_error(), 0);
    }
    if (can_receive() && loop_->has_budget() && receive(request)) {
        loop_->charge(request.error() ? 0 : request.count());
        return false;
    }
    deadlines_.start_read(*loop_, *this, request.deadline());
    reader_ = &request;
    if (can_receive() && !lacks_leases_) link_->serve_later(side_);
    request.park(*this, waiter);
    return true;
}

// True if the read has come to its end, with bytes or without.
bool MemoryStream::receive(detail::ReadRequest& request) noexcept {
    PackedError error = read_fault_.strike();
    if (!error && input().size() > 0) return take_bytes(request);
    if (!error && input().is_ended) {
        ends_.on_end_of_input();
    } else {
        ends_.on_read_error(error ? error : PackedError(std::errc::connection_reset));
    }
    request.set_end();
    request.set_error(ends_.read_error());
    return true;
}

bool MemoryStream::take_bytes(detail::ReadRequest& request) noexcept {
    const std::size_t limit = link_->largest_transfer_bytes();
    if (request.wants_chunk()) {
        try {
            const std::span<std::byte> run = loop_->chunks().prepare(leases_);
            if (run.empty()) { // over budget: wait for leases to come back
                if (!std::exchange(lacks_leases_, true)) loop_->wants_leases(slot_);
                return false;
            }
            const std::size_t count = input().take(run.first(std::min(run.size(), limit)));
            request.chunk() = loop_->chunks().commit(leases_, count);
        } catch (const std::bad_alloc&) {
            ends_.on_read_error(std::errc::not_enough_memory);
            request.set_error(ends_.read_error());
            return true;
        }
    } else {
        const std::span<std::byte> into = request.into();
        request.set_count(input().take(into.first(std::min(into.size(), limit))));
    }
    received_ += request.count();
    loop_->counters().bytes_received += request.count();
    link_->serve_later(1 - side_); // there is room now
    return true;
}

void MemoryStream::on_leases_returned() noexcept {
    lacks_leases_ = false;
    if (is_open()) link_->serve_later(side_);
}

// Writing

PackedError MemoryStream::peer_error() const noexcept {
    if (!input().is_reset) return {};
    // An end that came before the reset makes it a broken pipe, as with TCP.
    return input().is_ended ? std::errc::broken_pipe : std::errc::connection_reset;
}

bool MemoryStream::can_send() const noexcept {
    return output().room() > 0 || input().is_reset || link_->lingers(1 - side_) ||
           write_fault_.is_due();
}

bool MemoryStream::start_write(detail::WriteRequest& request,
                               detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is written by one task at a time");
    if (const PackedError error = ends_.write_error()) return complete(request, waiter, error, 0);
    if (send(request)) return complete(request, waiter, request.error(), request.written());
    deadlines_.start_write(*loop_, *this, request.deadline());
    writer_ = &request;
    if (can_send()) link_->serve_later(side_);
    request.park(*this, waiter);
    return true;
}

// True if the write has come to its end, with all bytes sent or without.
bool MemoryStream::send(detail::WriteRequest& request) noexcept {
    PackedError error = peer_error();
    if (!error && can_send()) error = write_fault_.strike();
    if (error) {
        if (request.written() > 0) ends_.tear();
        ends_.on_write_error(error);
        request.set_error(ends_.fatal());
        return true;
    }
    const std::size_t count = send_pieces(request);
    request.advance(count);
    sent_ += count;
    loop_->counters().bytes_sent += count;
    if (count > 0) link_->serve_later(1 - side_);
    return request.is_complete();
}

std::size_t MemoryStream::send_pieces(const detail::WriteRequest& request) noexcept {
    std::array<std::span<const std::byte>, most_pieces_per_transfer> pieces;
    std::size_t piece_count = 1;
    if (request.is_gathered()) {
        piece_count = request.rest(pieces);
    } else {
        pieces[0] = request.rest();
    }
    const bool is_discarded = link_->lingers(1 - side_);
    // What is discarded comes in pieces as well, or a limit would be noticed too late to matter.
    std::size_t left = std::min(link_->largest_transfer_bytes(), output().room());
    std::size_t sent = 0;
    for (const auto& piece : std::span(pieces).first(piece_count)) {
        const auto wanted = piece.first(std::min(piece.size(), left));
        const std::size_t count = is_discarded ? wanted.size() : output().put(wanted);
        sent += count;
        left -= count;
        if (count < piece.size()) break;
    }
    if (is_discarded) link_->discard(sent);
    return sent;
}

// Serving those who wait

void MemoryStream::serve() noexcept {
    Operation* const writer = writer_;
    Operation* const reader = reader_;
    const bool is_written = writer != nullptr && serve_writer();
    const bool is_read = reader != nullptr && serve_reader();
    // The first to be resumed may destroy the other, and this stream.
    if (is_written && is_read) writer->finish_later(writer->error());
    if (is_read) return reader->finish_now(reader->error());
    if (is_written) return writer->finish_now(writer->error());
}

bool MemoryStream::serve_writer() noexcept {
    auto& request = static_cast<detail::WriteRequest&>(*writer_);
    const std::size_t written_before = request.written();
    if (send(request)) {
        writer_ = nullptr;
        return true;
    }
    if (request.written() > written_before) deadlines_.write_has_progressed(*loop_);
    if (can_send()) link_->serve_later(side_);
    return false;
}

bool MemoryStream::serve_reader() noexcept {
    if (!can_receive()) return false;
    if (reader_->point() == SuspensionPoint::stream_close)
        return discard(static_cast<CloseOperation&>(*reader_));
    if (lacks_leases_ && static_cast<detail::ReadRequest*>(reader_)->wants_chunk()) return false;
    if (!receive(static_cast<detail::ReadRequest&>(*reader_))) return false;
    reader_ = nullptr;
    return true;
}

} // namespace tidemill::testing
