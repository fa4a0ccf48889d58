// TlsConnection: plain text in, ciphertext out.

#include "core/completion.hpp"
#include "tls/tls_connection.hpp"
#include <algorithm>
#include <array>
#include <cstring>
#include <tidemill/core/inline.hpp>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

namespace {

constexpr std::size_t pieces_at_a_time = 64;

} // namespace

// Writing

bool TlsConnection::start_write(WriteRequest& request, PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is written by one task at a time");
    static_cast<void>(bind(waiter)); // its failure is found among the ends
    if (const PackedError error = ends_.write_error()) return complete(request, waiter, error);
    if (is_ready() && accept(request))
        return complete(request, waiter, request.error(), request.written());
    wait_as_writer(request, request.deadline(), waiter);
    return true;
}

// The usual write: it fits beside what has been gathered already.
std::ptrdiff_t TlsConnection::try_write(WriteRequest& request, std::ptrdiff_t not_tried) noexcept {
    const std::size_t size = request.total();
    const bool is_usual = size > 0 && size <= block_room() && shared_ != nullptr && is_ready() &&
                          writer_ == nullptr && ends_.may_write() && !request.is_gathered() &&
                          queued_.empty() && !is_output_full() && loop_->has_budget_after(size);
    if (!is_usual || accept_piece(request.rest()) < size) return not_tried;
    sent_ += size;
    loop_->flush_later(*this);
    return static_cast<std::ptrdiff_t>(size);
}

void TlsConnection::wait_as_writer(Operation& request, Deadline deadline,
                                   PromiseBase& waiter) noexcept {
    write_moment_ = moment_of(deadline);
    last_wait_ = {};
    writer_ = &request;
    request.park(*this, waiter);
    if (writer_ == nullptr) return; // cancelled
    if (!is_ready()) {
        begin_handshake();
        advance_handshake();
    }
    watch_time();
}

// True if all of it is accepted, or nothing more will be.
bool TlsConnection::accept(WriteRequest& request) noexcept {
    while (!request.is_complete()) {
        const bool goes_on = request.is_gathered() ? accept_gathered(request)
                                                   : accept_bytes(request, request.rest());
        if (goes_on) continue;
        if (const PackedError error = ends_.write_error()) {
            if (request.written() > 0) ends_.tear();
            request.set_error(error);
            return true;
        }
        return false;
    }
    // Full records wait for nobody, and what is behind them goes along.
    queued_.empty() ? loop_->flush_later(*this) : send_now();
    return true;
}

bool TlsConnection::accept_gathered(WriteRequest& request) noexcept {
    std::array<std::span<const std::byte>, pieces_at_a_time> pieces;
    const std::size_t count = request.rest(pieces);
    for (const auto& piece : std::span(pieces).first(count))
        if (!accept_bytes(request, piece)) return false;
    return true;
}

// False if the pending output is full, or the stream has failed.
bool TlsConnection::accept_bytes(WriteRequest& request, std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        if (is_output_full()) send_now();
        if (ends_.write_error() || is_output_full()) return false;
        const std::size_t taken = accept_piece(bytes);
        bytes = bytes.subspan(taken);
        request.advance(taken);
        sent_ += taken;
    }
    return true;
}

// A full record is encrypted from where it lies; smaller pieces are gathered into one.
std::size_t TlsConnection::accept_piece(std::span<const std::byte> piece) noexcept {
    constexpr std::size_t record_bytes = TlsEngine::largest_write_bytes;
    if (gathered_bytes_ == 0 && piece.size() >= record_bytes) {
        encrypt(piece.first(record_bytes));
        return record_bytes;
    }
    try {
        if (block_ == nullptr) block_ = shared_->take_block();
    } catch (const std::bad_alloc&) {
        fail(std::errc::not_enough_memory);
        return 0;
    }
    const std::size_t count = std::min(piece.size(), record_bytes - gathered_bytes_);
    std::memcpy(block_->data() + gathered_bytes_, piece.data(), count);
    gathered_bytes_ += count;
    if (gathered_bytes_ == record_bytes) encrypt_gathered();
    return count;
}

void TlsConnection::encrypt(std::span<const std::byte> plain) noexcept {
    try {
        if (queued_.capacity() == 0) queued_ = shared_->take_output();
    } catch (const std::bad_alloc&) {
        return fail(std::errc::not_enough_memory);
    }
    engine_.set_output(queued_);
    if (engine_.write(plain) == TlsNext::failed) fail_engine();
    if (inner_write_) count_stuck();
}

void TlsConnection::encrypt_gathered() noexcept {
    if (block_ == nullptr) return;
    const std::size_t count = std::exchange(gathered_bytes_, 0);
    if (!engine_.has_failed()) encrypt(std::span(*block_).first(count));
    shared_->give_back(std::move(block_));
}

// Sending

TIDEMILL_INLINE void TlsConnection::send_here() noexcept {
    if (inner_write_) return; // what it leaves follows when it is done
    encrypt_gathered();
    if (queued_.empty()) return;
    std::swap(outgoing_, queued_);
    inner_write_.emplace(*inner_, outgoing_);
    inner_write_->start(write_pump_) ? count_stuck() : finish_inner_write();
}

// What lies between the loop and the system call is inlined by force: see tcp_read.cpp.
void TlsConnection::flush() noexcept {
    loop_->begin_run();
    send_here();
}

void TlsConnection::send_now() noexcept { send_here(); }

void TlsConnection::finish_inner_write() noexcept {
    const PackedError error = inner_write_->error();
    if (error) unsent_ += unsent_records();
    inner_write_.reset();
    if (stuck_bytes_ > 0) count_stuck();
    shared_->give_back(std::move(outgoing_));
    outgoing_.clear();
    if (!error) return;
    // A stalled peer is no fatal error of the stream below, but it has torn our records.
    if (error == PackedError(Errc::deadline_expired) || error == PackedError(Errc::cancelled)) {
        finish_writer(error);
        ends_.tear();
    } else {
        ends_.on_write_error(error);
        finish_writer(ends_.fatal());
    }
    drop_output();
    if (!is_ready()) fail(error);
}

void TlsConnection::drop_output() noexcept {
    queued_.clear();
    unencrypted_ += std::exchange(gathered_bytes_, 0);
    if (shared_ == nullptr) return;
    shared_->give_back(std::move(queued_));
    shared_->give_back(std::move(outgoing_));
    if (block_ != nullptr) shared_->give_back(std::move(block_));
}

std::size_t TlsConnection::unsent_records() const noexcept {
    const std::size_t in_flight =
        inner_write_ ? inner_write_->total() - inner_write_->written() : 0;
    return in_flight + queued_.size();
}

void TlsConnection::on_inner_write() noexcept {
    finish_inner_write();
    send_now();
    continue_writer();
    if (!is_ready()) advance_handshake();
    // Reading may have stopped because our output was not taken, and a close waits for it.
    if (reader_ != nullptr && !inner_read_) return serve_reader();
    if (reader_ != nullptr && reader_->point() == SuspensionPoint::stream_close)
        return serve_reader();
    watch_time();
}

void TlsConnection::continue_writer() noexcept {
    if (writer_ == nullptr || !is_ready()) return;
    switch (writer_->point()) {
    case SuspensionPoint::stream_write: {
        auto& request = static_cast<WriteRequest&>(*writer_);
        if (accept(request) && writer_ != nullptr) finish_writer(request.error());
        return;
    }
    case SuspensionPoint::stream_shutdown: return finish_writer(end_output());
    default: // a flush
        send_now();
        if (pending_bytes() == 0) finish_writer(ends_.fatal());
    }
}

bool TlsConnection::start_flush(FlushOperation& request, PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is not flushed while a write waits");
    static_cast<void>(bind(waiter));
    const auto error = [&] { return is_open_ ? ends_.close_error() : ends_.fatal(); };
    if (error()) return complete(request, waiter, error());
    if (is_ready()) {
        send_now();
        if (error() || pending_bytes() == 0) return complete(request, waiter, error());
    }
    wait_as_writer(request, request.deadline(), waiter);
    return true;
}

// Ending

bool TlsConnection::start_shutdown(ShutdownOperation& request, PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is not ended while a write waits");
    static_cast<void>(bind(waiter));
    if (!is_open_ || is_ready() || ends_.write_error())
        return complete(request, waiter, end_output());
    wait_as_writer(request, request.deadline(), waiter);
    return true;
}

PackedError TlsConnection::end_output() noexcept {
    if (!is_open_) return ends_.fatal();
    if (ends_.is_write_shut()) return {};
    if (const PackedError error = ends_.write_error()) return error;
    encrypt_gathered();
    engine_.set_output(queued_);
    if (engine_.shutdown() == TlsNext::failed) fail_engine();
    if (const PackedError error = ends_.write_error()) return error;
    ends_.shut_write();
    loop_->flush_later(*this);
    return {};
}

} // namespace tidemill::detail
