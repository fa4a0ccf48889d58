// TlsConnection: life, ends and time.

#include "tls/tls_connection.hpp"
#include "core/completion.hpp"
#include "net/acknowledge_set.hpp"
#include <algorithm>
#include <exception>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

PackedError pack(const Error& error) noexcept {
    const std::error_code& code = error.code();
    if (code.category() == error_category()) return static_cast<Errc>(code.value());
    return static_cast<std::errc>(code.value());
}

TlsConnection::TlsConnection(Stream& inner, TlsEngine engine,
                             const TlsStreamOptions& options) noexcept
    : TaskOwner(nullptr), engine_(std::move(engine)), inner_(&inner), options_(options),
      exceptions_at_birth_(std::uncaught_exceptions()) {}

TlsConnection::TlsConnection(std::unique_ptr<Stream> inner, TlsEngine engine,
                             const TlsStreamOptions& options) noexcept
    : TlsConnection(*inner, std::move(engine), options) {
    owned_ = std::move(inner);
}

TlsConnection::~TlsConnection() { close(); }

// The loop is known from the first operation on; until then there is nothing that it must know.
PackedError TlsConnection::bind(PromiseBase& waiter) noexcept {
    if (shared_ != nullptr || !is_open_) return {};
    try {
        LoopCore& loop = *waiter.loop();
        TlsLoop& shared = TlsLoop::of(loop);
        loop_ = &loop;
        read_pump_.start(*this, &TlsConnection::on_inner_read, *this);
        write_pump_.start(*this, &TlsConnection::on_inner_write, *this);
        shared_ = &shared;
        loop.add_member(*this);
        return {};
    } catch (const std::bad_alloc&) {
        fail(std::errc::not_enough_memory);
        return std::errc::not_enough_memory;
    }
}

// Ending

void TlsConnection::release() noexcept {
    if (!is_open_) return;
    is_open_ = false;
    unsent_ += unsent_records();
    stop_waiting_for_ration();
    leave();
    stop_gathering();
    inner_read_.reset();
    inner_write_.reset();
    if (stuck_bytes_ > 0) count_stuck();
    drop_output();
    input_ = Chunk();
    ends_.on_close();
    if (shared_ != nullptr) {
        if (face_ != nullptr) cancel_acknowledgements(loop_, *face_);
        if (armed()) loop_->wheel().cancel(*this);
        if (lacks_leases_) loop_->detach(lease_slot_);
        shared_->leave_warm(warm_place_);
        loop_->remove_member(*this);
        shared_ = nullptr;
    }
    read_pump_.stop(loop_);
    write_pump_.stop(loop_);
}

void TlsConnection::close() noexcept {
    if (!is_open_) return;
    const bool was_left_by_exception = std::uncaught_exceptions() > exceptions_at_birth_;
    if (ends_.is_torn() || was_left_by_exception) return abort();
    end_waiters();
    if (ends_.is_torn()) return abort(); // a waiting write had been accepted in part
    if (shared_ == nullptr) return close_now();
    if (is_ready()) static_cast<void>(end_output());
    send_now();
    const bool is_taken = !inner_write_ || inner_write_->is_complete();
    if (is_taken) return close_now();
    ++loop_->counters().linger_aborts;
    abort();
}

void TlsConnection::close_now() noexcept {
    inner_read_.reset();
    inner_->close();
    release();
}

void TlsConnection::abort() noexcept {
    if (!is_open_) return;
    end_waiters();
    inner_->abort();
    release();
}

void TlsConnection::cancel() noexcept {
    if (reader_ != nullptr) reader_->try_cancel();
    if (writer_ != nullptr) writer_->try_cancel();
    if (handshaker_ != nullptr) handshaker_->try_cancel();
    if (is_bound() && face_ != nullptr) cancel_acknowledgements(loop_, *face_);
}

void TlsConnection::end_waiters() noexcept {
    ends_.on_closing(last_wait_);
    cancel();
}

void TlsConnection::abandon(Operation& operation) noexcept {
    last_wait_ = Errc::cancelled;
    if (&operation == reader_) reader_ = nullptr;
    if (&operation == handshaker_) handshaker_ = nullptr;
    if (&operation == writer_) {
        writer_ = nullptr;
        const bool is_write = operation.point() == SuspensionPoint::stream_write;
        if (is_write && static_cast<WriteRequest&>(operation).written() > 0) ends_.tear();
    }
    if (!wants_input()) inner_read_.reset();
}

// Nothing works any more, in neither direction. Reads that wait are told by the loop, since they
// may have bytes to read before.
void TlsConnection::fail(PackedError error) noexcept {
    ends_.on_read_error(error);
    ends_.on_write_error(error);
    finish_handshaker(ends_.fatal());
    finish_writer(ends_.fatal());
    if (reader_ != nullptr) continue_later();
}

// The alert that tells the peer why is sent with the rest.
void TlsConnection::fail_engine() noexcept {
    fail(pack(engine_.failure()));
    if (!queued_.empty()) loop_->flush_later(*this);
}

void TlsConnection::finish_writer(PackedError error) noexcept {
    if (writer_ == nullptr) return;
    Operation& writer = *std::exchange(writer_, nullptr);
    const bool is_write = writer.point() == SuspensionPoint::stream_write;
    if (error && is_write && static_cast<WriteRequest&>(writer).written() > 0) ends_.tear();
    writer.finish_later(error);
}

void TlsConnection::continue_later() noexcept {
    try {
        loop_->defer(*this);
    } catch (const std::bad_alloc&) {
        if (reader_ != nullptr)
            std::exchange(reader_, nullptr)->finish_later(std::errc::not_enough_memory);
        if (!is_ready()) fail(std::errc::not_enough_memory); // a handshake that nothing continues
    }
}

void TlsConnection::on_loop_gone() noexcept {
    for (Operation* each : {reader_, writer_, static_cast<Operation*>(handshaker_)})
        if (each != nullptr) each->forget();
    reader_ = writer_ = nullptr;
    handshaker_ = nullptr;
    is_open_ = false;
    waits_for_ration_ = false;
    inner_read_.reset();
    inner_write_.reset();
    read_pump_.stop(nullptr);
    write_pump_.stop(nullptr);
    block_.reset();
    input_ = Chunk();
    shared_ = nullptr;
    loop_is_gone();
    ends_.on_close(Errc::loop_gone);
}

// Time

std::int64_t TlsConnection::moment_of(Deadline deadline) noexcept {
    if (deadline.is_default() || deadline.is_never()) return no_moment;
    return loop_->moment_after(deadline.timeout_ns());
}

// A read of ours may take several of the stream below; what is there beats a deadline of theirs
// that has passed meanwhile, so they are given ours.
Deadline TlsConnection::inner_deadline() const noexcept {
    if (!is_ready()) return handshake_moment_ == no_moment ? Deadline() : Deadline::never();
    if (ends_.fatal()) return within(Duration::zero()); // what has come, and no more
    if (is_read_limit_default_) return {};
    if (read_moment_ == no_moment) return Deadline::never();
    return within(Duration(read_moment_ - loop_->now_ns()));
}

// Arms the timer for the first moment that nobody else watches.
void TlsConnection::watch_time() noexcept {
    if (!is_open_ || shared_ == nullptr) return;
    std::int64_t first = is_ready() ? no_moment : handshake_moment_;
    if (writer_ != nullptr) first = std::min(first, write_moment_);
    const bool is_watched_below = is_ready() && inner_read_.has_value();
    if (reader_ != nullptr && !is_watched_below) first = std::min(first, read_moment_);
    if (first == no_moment) return;
    if (!armed() || first < fires_at()) loop_->wheel().arm(*this, first);
}

void TlsConnection::on_timer() noexcept {
    const std::int64_t now = loop_->now_ns();
    if (!is_ready() && handshake_moment_ <= now) {
        handshake_moment_ = no_moment; // first, or watch_time() would arm for it again
        if (!ends_.fatal()) {
            stop_waiting_for_ration();
            inner_read_.reset();
            return fail(Errc::deadline_expired);
        }
    }
    const bool is_watched_below = is_ready() && inner_read_.has_value();
    const bool is_late = writer_ != nullptr && write_moment_ <= now;
    if (reader_ != nullptr && read_moment_ <= now && !is_watched_below) expire_reader();
    if (is_late && writer_ != nullptr) {
        Operation& late = *writer_;
        abandon(late);
        last_wait_ = Errc::deadline_expired;
        late.finish_later(Errc::deadline_expired);
    }
    watch_time();
}

void TlsConnection::expire_reader() noexcept {
    Operation& late = *std::exchange(reader_, nullptr);
    late.finish_later(Errc::deadline_expired);
    last_wait_ = Errc::deadline_expired;
    if (late.point() == SuspensionPoint::stream_close) abort();
}

// Reports

EndReport TlsConnection::end_report() const {
    EndReport report = ends_.report(last_wait_);
    if (!is_ready_) report.phase = StreamPhase::handshake;
    report.bytes_received = received_;
    report.bytes_sent = sent_;
    report.tls = {sent_, sent_ - gathered_bytes_ - unencrypted_, inner_->bytes_sent(),
                  unsent_ + unsent_records()};
    report.peer = inner_->end_report().peer;
    const bool knows_more =
        report.error && engine_.has_failed() && report.error->code() == engine_.failure().code();
    if (knows_more) report.error = engine_.failure();
    return report;
}

} // namespace tidemill::detail
