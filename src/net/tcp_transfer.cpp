// TcpStream: reading, writing, ending.
//
// A read waits for readiness first and receives then; trying first costs a wasted call per message
// with request-response peers. The exception is a read behind one that filled its buffer. A write
// tries first and waits only for what the kernel refused.
//
// What lies between an event and its system call is inlined by force: on processors whose kernels
// overwrite the return predictor, each function that is entered before a call into the kernel and
// left after it costs as much as twenty instructions.

#include "core/completion.hpp"
#include "core/inline.hpp"
#include <array>
#include <tidemill/core/require.hpp>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::complete;
using detail::Interest;
using detail::Operation;
using detail::PackedError;
using detail::SuspensionPoint;

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
constexpr std::size_t most_pieces_per_call = 64;
constexpr std::size_t most_discarded_bytes = std::size_t{1} << 20;

} // namespace

// Reading

// Over budget: the kernel keeps what has come until leases are returned.
bool TcpStream::await_leases() noexcept {
    drop(Interest::read);
    if (!wants_leases_) loop_->wants_leases(slot_);
    wants_leases_ = true;
    return false;
}

TIDEMILL_INLINE bool TcpStream::received(std::size_t bytes, std::size_t asked, PackedError error,
                                         detail::ReadRequest& request) noexcept {
    has_unread_ = bytes == asked;
    if (bytes == 0) [[unlikely]] {
        if (error == would_block) return false;
        error ? ends_.on_read_error(error) : ends_.on_end_of_input();
        request.set_error(ends_.read_error()); // the first fatal error, whoever has met it
        return true;
    }
    received_ += bytes;
    loop_->counters().bytes_received += bytes;
    return true;
}

// True if the read has come to its end, with bytes or without.
TIDEMILL_INLINE bool TcpStream::receive(detail::ReadRequest& request) noexcept {
    detail::Sockets& sockets = loop_->sockets();
    if (request.wants_chunk()) {
        Chunk& chunk = request.chunk();
        const auto [asked, error] =
            sockets.receive_leased(socket_, loop_->chunks(), leases_, chunk);
        if (asked == 0 && !error) return await_leases();
        return received(chunk.size(), asked, error, request);
    }
    const std::span<std::byte> into = request.into();
    const auto [bytes, error] = sockets.receive(socket_, into);
    if (!error) request.set_count(bytes);
    return received(bytes, into.size(), error, request);
}

bool TcpStream::try_receive(detail::ReadRequest& request) noexcept { return receive(request); }

bool TcpStream::start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr, "a stream is read by one task at a time");
    if (ends_.read_has_ended()) {
        request.set_end();
        return complete(request, waiter, ends_.read_error(), 0);
    }
    if (has_unread_ && loop_->has_budget() && try_receive(request)) {
        // Not completed on the ready list, even if that was the last of the budget: the next read
        // waits for readiness then, without bytes in hand that a destroyed task would take along.
        loop_->charge(request.error() ? 0 : request.count());
        return false;
    }
    if (const PackedError error = want(Interest::read)) {
        ends_.on_read_error(error);
        return complete(request, waiter, error, 0);
    }
    deadlines_.start_read(*loop_, *this, request.deadline());
    reader_ = &request;
    request.park(*this, waiter);
    return true;
}

void TcpStream::on_readable() noexcept {
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
    if (!receive(request)) return;
    reader_ = nullptr;
    request.finish_now(request.error());
}

void TcpStream::on_leases_returned() noexcept {
    wants_leases_ = false;
    if (reader_ == nullptr) return;
    const PackedError error = want(Interest::read);
    if (!error) return;
    ends_.on_read_error(error);
    std::exchange(reader_, nullptr)->finish_later(error);
}

// Writing

// True if the write has come to its end, with all bytes sent or without.
TIDEMILL_INLINE bool TcpStream::send(detail::WriteRequest& request) noexcept {
    detail::IoResult result;
    if (request.is_gathered()) {
        std::array<detail::Buffer, most_pieces_per_call> pieces;
        const std::size_t count = request.rest(pieces);
        result = loop_->sockets().send_gathered(socket_, std::span(pieces).first(count));
    } else {
        result = loop_->sockets().send(socket_, request.rest());
    }
    request.advance(result.bytes);
    sent_ += result.bytes;
    loop_->counters().bytes_sent += result.bytes;
    if (request.is_complete()) return true;
    if (!result.error || result.error == would_block) return false;
    if (request.written() > 0) ends_.tear();
    ends_.on_write_error(result.error);
    request.set_error(ends_.fatal()); // which the other direction may have met before
    return true;
}

bool TcpStream::start_write(detail::WriteRequest& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is written by one task at a time");
    if (const PackedError error = ends_.write_error()) return complete(request, waiter, error, 0);
    if (send(request)) return complete(request, waiter, request.error(), request.written());
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
    if (!error && !ends_.read_has_ended()) error = want(Interest::read);
    if (error || ends_.read_has_ended()) {
        ends_.is_torn() ? abort() : close_now();
        return complete(request, waiter, error, 0);
    }
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
    request.set_error(is_over_limit ? PackedError(Errc::limit_reached) : result.error);
    is_over_limit ? abort() : close_now();
    return true;
}

} // namespace tidemill
