// TcpStream: writing and ending.
//
// A write tries first and waits only for what the kernel refused. The call into the kernel is the
// last thing that try_write() does, so that it is a jump and the task gets the result at first hand
// (see the head of tcp_read.cpp); what has to be counted is counted before, and taken back by
// continue_write() if less has left.

#include "core/completion.hpp"
#include <array>
#include <tidemill/core/require.hpp>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::complete;
using detail::Interest;
using detail::PackedError;
using detail::SuspensionPoint;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
constexpr std::size_t most_pieces_per_call = 64;
constexpr std::size_t most_discarded_bytes = std::size_t{1} << 20;

} // namespace

TIDEMILL_INLINE void TcpStream::count_sent(detail::WriteRequest& request,
                                           std::size_t bytes) noexcept {
    request.advance(bytes);
    sent_ += bytes;
    loop_->counters().bytes_sent += bytes;
}

// True if the write has come to its end, with all bytes sent or without.
bool TcpStream::send(detail::WriteRequest& request) noexcept {
    if (request.is_gathered()) return send_pieces(request);
    const auto [bytes, error] = loop_->sockets().send(socket_, request.rest());
    count_sent(request, bytes);
    return is_at_end(request, error);
}

// A call takes so many pieces at most. Goes on until the system has refused some bytes, since a
// selector that reports news only does not report that it would have taken more.
bool TcpStream::send_pieces(detail::WriteRequest& request) noexcept {
    std::array<detail::Buffer, most_pieces_per_call> pieces;
    for (;;) {
        const std::span offered = std::span(pieces).first(request.rest(pieces));
        std::size_t offered_bytes = 0;
        for (const detail::Buffer& piece : offered) offered_bytes += piece.size();
        const auto [bytes, error] = loop_->sockets().send_gathered(socket_, offered);
        count_sent(request, bytes);
        if (bytes < offered_bytes || request.is_complete()) return is_at_end(request, error);
    }
}

bool TcpStream::is_at_end(detail::WriteRequest& request, PackedError error) noexcept {
    if (request.is_complete()) return true;
    if (!error || error == would_block) return false;
    if (request.written() > 0) ends_.tear();
    ends_.on_write_error(error);
    request.set_error(ends_.fatal()); // which the other direction may have met before
    return true;
}

std::ptrdiff_t TcpStream::try_write(detail::WriteRequest& request) {
    if (writer_ != nullptr || !ends_.may_write() || request.is_gathered() ||
        !loop_->has_budget_after(request.total())) [[unlikely]]
        return not_tried;
    sent_ += request.total();
    loop_->counters().bytes_sent += request.total();
    return loop_->sockets().send_now(socket_, request.rest());
}

bool TcpStream::continue_write(detail::WriteRequest& request, detail::PromiseBase& waiter,
                               std::ptrdiff_t taken) noexcept {
    PackedError error;
    if (taken < 0) error = loop_->sockets().last_error();
    sent_ -= request.total();
    loop_->counters().bytes_sent -= request.total();
    if (error == PackedError(std::errc::interrupted))
        return end_or_wait(request, waiter, send(request));
    count_sent(request, taken < 0 ? 0 : static_cast<std::size_t>(taken));
    return end_or_wait(request, waiter, is_at_end(request, error));
}

bool TcpStream::start_write(detail::WriteRequest& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is written by one task at a time");
    if (const PackedError error = ends_.write_error()) return complete(request, waiter, error, 0);
    return end_or_wait(request, waiter, send(request));
}

bool TcpStream::end_or_wait(detail::WriteRequest& request, detail::PromiseBase& waiter,
                            bool is_at_end) noexcept {
    if (is_at_end) return complete(request, waiter, request.error(), request.written());
    if (const PackedError error = want(Interest::write)) {
        if (request.written() > 0) ends_.tear();
        ends_.on_write_error(error);
        return complete(request, waiter, error, request.written());
    }
    deadlines_.start_write(*loop_, *this, request.deadline());
    writer_ = &request;
    request.park(*this, waiter);
    return true;
}

void TcpStream::on_writable() noexcept {
    if (writer_ == nullptr) return drop(Interest::write);
    if (writer_->point() == SuspensionPoint::tcp_connect)
        return finish_connect(static_cast<ConnectOperation&>(*writer_));
    auto& request = static_cast<detail::WriteRequest&>(*writer_);
    const std::size_t written_before = request.written();
    if (send(request)) {
        writer_ = nullptr;
        return request.finish_now(request.error());
    }
    if (request.written() > written_before) deadlines_.write_has_progressed(*loop_);
}

// Ending

bool TcpStream::start_shutdown(ShutdownOperation& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is not ended while a write waits");
    return complete(request, waiter, end_output(), 0);
}

PackedError TcpStream::end_output() noexcept {
    if (!is_open()) return ends_.fatal();
    if (ends_.is_write_shut()) return {};
    if (const PackedError error = ends_.write_error()) return error;
    PackedError error = loop_->sockets().shutdown_write(socket_);
    if (!error) {
        ends_.shut_write();
        return {};
    }
    // All that the system says is that there is no connection any more. What became of it, the
    // pending error, is told by an empty send.
    if (error == PackedError(std::errc::not_connected))
        if (const PackedError cause = loop_->sockets().send(socket_, {}).error) error = cause;
    ends_.on_write_error(error);
    return error;
}

bool TcpStream::start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr && writer_ == nullptr,
                     "a stream is not closed gracefully while somebody waits on it");
    if (!is_open()) return complete(request, waiter, ends_.fatal(), 0);
    PackedError error = ends_.close_error();
    if (!error) error = end_output();
    // What is there already has been reported, and the rest is discarded bit by bit: from now on
    // the selector has to repeat itself.
    if (!error && !ends_.read_has_ended())
        error = loop_->watch(slot_, socket_, interest_, Interest::read);
    if (error || ends_.read_has_ended()) {
        ends_.is_torn() ? abort() : close_now();
        return complete(request, waiter, error, 0);
    }
    ends_.on_graceful_close();
    deadlines_.start_close(*loop_, *this, request.deadline());
    reader_ = &request;
    request.park(*this, waiter);
    return true;
}

// True once the stream is closed.
bool TcpStream::discard(CloseOperation& request) noexcept {
    std::array<std::byte, 16 * 1024> scrap;
    const detail::IoResult result = loop_->sockets().receive(socket_, scrap);
    if (result.error == would_block) return false;
    received_ += result.bytes;
    request.add_discarded(result.bytes);
    const bool is_over_limit = request.discarded_bytes() > most_discarded_bytes;
    if (!result.error && result.bytes > 0 && !is_over_limit) return false;
    reader_ = nullptr;
    const bool is_reset = result.bytes == 0 && ending_ == detail::Ending::reset;
    const PackedError error =
        is_reset && !result.error ? PackedError(std::errc::connection_reset) : result.error;
    request.set_error(is_over_limit ? PackedError(Errc::limit_reached) : error);
    request.error() ? ends_.on_read_error(request.error()) : ends_.on_end_of_input();
    is_over_limit ? abort() : close_now();
    return true;
}

} // namespace tidemill
