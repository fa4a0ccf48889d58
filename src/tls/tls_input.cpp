// TlsConnection: ciphertext in, plain text out.

#include "core/completion.hpp"
#include "core/resume.hpp"
#include "tls/tls_connection.hpp"
#include <array>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

namespace {

constexpr std::size_t most_discarded_bytes = std::size_t{1} << 20;

} // namespace

bool TlsConnection::wants_input() const noexcept {
    return reader_ != nullptr || (!is_ready() && (writer_ != nullptr || handshaker_ != nullptr));
}

// From below

// True if ciphertext, or an end, is there at once.
bool TlsConnection::fetch() noexcept {
    if (inner_read_ || lacks_leases_ || is_output_flooded()) return false;
    inner_read_.emplace(*inner_, inner_deadline());
    if (inner_read_->start(read_pump_)) return false;
    absorb();
    return true;
}

// What the stream below has given. Its end is no end of ours: the peer would have announced it.
void TlsConnection::absorb() noexcept {
    const PackedError error = inner_read_->error();
    input_ = std::move(inner_read_->chunk());
    inner_read_.reset();
    if (!error && !input_.empty()) return;
    const bool may_go_on =
        error == PackedError(Errc::deadline_expired) || error == PackedError(Errc::cancelled);
    if (may_go_on && is_ready()) {
        soft_error_ = error;
        last_wait_ = error;
    } else if (!is_ready()) {
        fail(error ? error : PackedError(Errc::truncated));
    } else {
        ends_.on_read_error(error ? error : PackedError(Errc::truncated));
    }
}

// Timers run between the end of the last turn and this call: who was served there has had a budget
// already since they did.
void TlsConnection::on_inner_read() noexcept {
    absorb();
    deferred_turn_ + 1 == loop_->counters().turns ? continue_later() : serve();
}

void TlsConnection::run_deferred() noexcept {
    deferred_turn_ = loop_->counters().turns;
    serve();
}

// Called by the loop alone, which is why a reader may be resumed in here.
void TlsConnection::serve() noexcept {
    if (!is_ready()) advance_handshake();
    serve_reader();
}

void TlsConnection::serve_reader() noexcept {
    if (reader_ == nullptr || (!is_ready() && !ends_.read_has_ended())) return watch_time();
    Operation& waiting = *reader_;
    const bool is_done = waiting.point() == SuspensionPoint::stream_close
                             ? drain(static_cast<CloseOperation&>(waiting))
                             : try_read(static_cast<ReadRequest&>(waiting));
    if (!is_done) return watch_time();
    reader_ = nullptr;
    waiting.finish_on(*loop_, waiting.error()); // this object may be gone
}

// Reading

bool TlsConnection::start_read(ReadRequest& request, PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr, "a stream is read by one task at a time");
    static_cast<void>(bind(waiter)); // its failure is found among the ends
    if (ends_.read_has_ended()) {
        request.set_end();
        return complete(request, waiter, ends_.read_error());
    }
    last_wait_ = {};
    is_read_limit_default_ = request.deadline().is_default();
    read_moment_ = moment_of(request.deadline());
    if (is_ready() && loop_->has_budget() && try_read(request)) {
        loop_->charge(request.error() ? 0 : request.count());
        return false;
    }
    reader_ = &request;
    request.park(*this, waiter);
    if (reader_ == nullptr) return true; // cancelled
    if (is_ready()) {
        // If nothing has been tried yet, the budget is spent.
        if (has_undecrypted() || (!inner_read_ && fetch())) continue_later();
    } else {
        begin_handshake();
        advance_handshake();
    }
    watch_time();
    return true;
}

// True if the read has come to its end, with bytes or without.
bool TlsConnection::try_read(ReadRequest& request) noexcept {
    do {
        if (has_undecrypted() && decrypt(request)) return true;
        if (ends_.read_has_ended()) {
            request.set_end();
            request.set_error(ends_.read_error());
            return true;
        }
        if (soft_error_) {
            request.set_error(std::exchange(soft_error_, PackedError()));
            return true;
        }
    } while (fetch());
    return false;
}

bool TlsConnection::decrypt(ReadRequest& request) noexcept {
    shared_->at_work(*this, warm_place_);
    std::size_t count = 0;
    TlsNext next = TlsNext::want_input;
    const bool has_ended = has_more_ && (engine_.received_close_notify() || engine_.has_failed());
    if (has_ended) {
        next = engine_.has_failed() ? TlsNext::failed : TlsNext::nothing;
    } else if (!request.wants_chunk()) {
        next = decrypt_into(request.into(), count);
        request.set_count(count > 0 ? count : request.into().size());
    } else if (!has_more_ && engine_.is_at_record_boundary()) {
        next = decrypt_in_place(request.chunk(), count);
    } else {
        next = decrypt_leased(request.chunk(), count);
    }
    received_ += count;
    if (count > 0) return true;
    if (next == TlsNext::failed) fail_engine();
    if (engine_.received_close_notify()) ends_.on_end_of_input();
    return false;
}

TlsNext TlsConnection::decrypt_into(std::span<std::byte> into, std::size_t& count) noexcept {
    const TlsNext next = read_engine(into, count);
    keep_unread();
    return next;
}

TlsNext TlsConnection::read_engine(std::span<std::byte> into, std::size_t& count) noexcept {
    engine_.set_output(queued_);
    engine_.set_input(input_.bytes());
    const TlsNext next = engine_.read(into, count);
    has_more_ = engine_.has_more() || engine_.received_close_notify() || engine_.has_failed();
    if (!queued_.empty()) loop_->flush_later(*this);
    return next;
}

// The plain text of records that begin in this chunk is shorter than they are, and OpenSSL has
// copied a record before it writes its text: so the text may overwrite what has been read.
TlsNext TlsConnection::decrypt_in_place(Chunk& chunk, std::size_t& count) noexcept {
    const std::span<std::byte> room(const_cast<std::byte*>(input_.data()), input_.size());
    const TlsNext next = read_engine(room, count);
    // What is left now lies behind a failure or the peer's end, and is nothing to us.
    if (count > 0) {
        input_.truncate(count);
        chunk = std::move(input_);
    }
    input_ = Chunk();
    return next;
}

TlsNext TlsConnection::decrypt_leased(Chunk& chunk, std::size_t& count) noexcept {
    try {
        const std::span<std::byte> run = loop_->chunks().prepare(leases_);
        if (run.empty()) {
            wait_for_leases();
            return TlsNext::want_input;
        }
        const TlsNext next = decrypt_into(run, count);
        if (count > 0) chunk = loop_->chunks().commit(leases_, count);
        return next;
    } catch (const std::bad_alloc&) {
        fail(std::errc::not_enough_memory);
        return TlsNext::want_input;
    }
}

void TlsConnection::wait_for_leases() {
    lease_slot_ = loop_->attach(lease_waiter_);
    lacks_leases_ = true;
    loop_->wants_leases(lease_slot_);
}

void TlsConnection::on_leases_returned() noexcept {
    lacks_leases_ = false;
    loop_->detach(lease_slot_);
    if (reader_ != nullptr) continue_later();
}

// A few bytes must not hold the memory of a large receive.
void TlsConnection::keep_unread() noexcept {
    constexpr std::size_t page_bytes = ChunkArena::page_bytes;
    const std::size_t unread = engine_.unread_input().size();
    const bool was_large = input_.size() > page_bytes;
    input_.remove_prefix(input_.size() - unread);
    if (unread == 0) {
        input_ = Chunk();
    } else if (was_large && unread < page_bytes) {
        try {
            input_.keep();
        } catch (const std::bad_alloc&) {
            return; // then they do
        }
    }
}

// Closing gracefully

bool TlsConnection::start_close(CloseOperation& request, PromiseBase& waiter) noexcept {
    constexpr Duration default_limit = std::chrono::seconds(5);
    TIDEMILL_REQUIRE(reader_ == nullptr && writer_ == nullptr && handshaker_ == nullptr,
                     "a stream is not closed gracefully while somebody waits on it");
    static_cast<void>(bind(waiter));
    if (!is_open_) return complete(request, waiter, ends_.fatal());
    PackedError error = ends_.close_error();
    if (!error && is_ready()) error = end_output();
    if (error || !is_ready()) {
        close();
        return complete(request, waiter, error);
    }
    const Deadline limit = request.deadline();
    ends_.on_graceful_close();
    last_wait_ = {};
    is_read_limit_default_ = false;
    read_moment_ = moment_of(limit.is_default() ? within(default_limit) : limit);
    send_now();
    if (drain(request)) return complete(request, waiter, request.error());
    reader_ = &request;
    request.park(*this, waiter);
    watch_time();
    return true;
}

// True once the stream is closed: everything is sent, and the peer has ended too.
bool TlsConnection::drain(CloseOperation& request) noexcept {
    PackedError error;
    bool is_over = discard(request);
    if (is_over) {
        error = Errc::limit_reached;
    } else if (soft_error_) {
        error = std::exchange(soft_error_, PackedError());
        if (error == PackedError(Errc::cancelled)) {
            request.set_error(error);
            return true; // still open
        }
        is_over = true;
    } else {
        error = ends_.close_error();
        if (!error && (!ends_.read_has_ended() || pending_bytes() > 0)) return false;
        if (!error) error = ends_.read_error();
    }
    request.set_error(error);
    if (is_over) ends_.on_read_error(error);
    reader_ = nullptr; // it is being finished, not cancelled
    is_over || ends_.is_torn() ? abort() : close_now();
    return true;
}

// Reads up to the end, as far as it has come; true if more came than anybody wants to discard.
bool TlsConnection::discard(CloseOperation& request) noexcept {
    std::array<std::byte, 16 * 1024> scrap;
    while (!ends_.read_has_ended() && !soft_error_) {
        std::size_t count = 0;
        TlsNext next = TlsNext::want_input;
        if (has_undecrypted()) next = decrypt_into(scrap, count);
        request.add_discarded(count);
        if (request.discarded_bytes() > most_discarded_bytes) return true;
        if (count > 0) continue;
        if (next == TlsNext::failed) fail_engine();
        if (engine_.received_close_notify()) ends_.on_end_of_input();
        if (!ends_.read_has_ended() && !fetch()) break;
    }
    return false;
}

} // namespace tidemill::detail
