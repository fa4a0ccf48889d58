// TcpStream: life, ends and deadlines. Reading stands in tcp_read.cpp, writing in
// tcp_write.cpp.

#include "core/loop_core.hpp"
#include "net/acknowledge_set.hpp"
#include "net/linger_set.hpp"
#include <exception>
#include <tidemill/core/require.hpp>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::Interest;
using detail::Operation;
using detail::PackedError;

TcpStream::TcpStream(detail::LoopCore& loop, NativeSocket socket)
    : loop_(&loop), socket_(socket), slot_(loop.attach(*this)),
      exceptions_at_birth_(static_cast<std::uint8_t>(std::uncaught_exceptions())) {}

TcpStream::TcpStream(detail::LoopCore& loop, NativeSocket socket, detail::InTurn)
    : loop_(&loop), socket_(socket), slot_(loop.attach(*this)),
      exceptions_at_birth_(loop.exceptions_around()) {}

void TcpStream::take(TcpStream& other) noexcept {
    TIDEMILL_REQUIRE(other.reader_ == nullptr && other.writer_ == nullptr,
                     "a stream does not move while somebody waits on it");
    [[maybe_unused]] const auto* const set = detail::AcknowledgeSet::existing(other.loop_);
    TIDEMILL_REQUIRE(set == nullptr || !set->watches(other),
                     "a stream does not move while somebody waits on it");
    if (other.armed()) other.loop_->wheel().cancel(other);
    loop_ = std::exchange(other.loop_, nullptr);
    socket_ = std::exchange(other.socket_, invalid_socket);
    slot_ = other.slot_;
    if (is_open()) loop_->replace(slot_, *this);
    leases_ = std::move(other.leases_);
    received_ = other.received_;
    sent_ = other.sent_;
    ends_ = other.ends_;
    other.ends_.on_close();
    deadlines_ = other.deadlines_;
    interest_ = std::exchange(other.interest_, Interest::none);
    has_unread_ = other.has_unread_;
    reads_on_ = other.reads_on_;
    wants_leases_ = other.wants_leases_;
    ending_ = other.ending_;
    exceptions_at_birth_ = other.exceptions_at_birth_;
}

TcpStream& TcpStream::operator=(TcpStream&& other) noexcept {
    if (this == &other) return *this;
    close();
    take(other);
    return *this;
}

// Closing

void TcpStream::close() noexcept {
    if (!is_open()) return;
    const bool was_left_by_exception = std::uncaught_exceptions() > exceptions_at_birth_;
    if (was_left_by_exception) return abort();
    close_in_order();
}

void TcpStream::close_in_order() noexcept {
    if (!is_open()) return;
    end_waiters();
    if (ends_.is_torn()) return abort(); // also if a waiting write had sent a part
    if (ends_.read_has_ended() || ends_.fatal()) return release_after_close();
    detail::Linger linger{socket_, slot_, interest_};
    detail::LingerSet* const lingering = detail::linger_set(*loop_);
    if (lingering == nullptr || !lingering->take(linger)) return abort();
    socket_ = invalid_socket;
    ends_.on_close();
    loop_ = nullptr;
}

void TcpStream::abort() noexcept {
    if (!is_open()) return;
    end_waiters();
    loop_->closing(slot_, socket_, interest_, true);
    loop_->sockets().close_with_reset(socket_);
    release_socket();
}

void TcpStream::close_now() noexcept {
    end_waiters();
    release_after_close();
}

void TcpStream::release_after_close() noexcept {
    loop_->closing(slot_, socket_, interest_, true);
    loop_->sockets().close(socket_);
    release_socket();
}

void TcpStream::release_socket() noexcept {
    loop_->detach(slot_);
    loop_->descriptor_freed();
    socket_ = invalid_socket;
    interest_ = Interest::none;
    ends_.on_close();
    loop_ = nullptr;
}

// Whoever waits is resumed by the ready list, when this stream may be gone already.
void TcpStream::end_waiters() noexcept {
    ends_.on_closing(deadlines_.last_wait());
    cancel();
    if (armed()) loop_->wheel().cancel(*this);
}

void TcpStream::cancel() noexcept {
    detail::cancel_acknowledgements(loop_, *this);
    if (reader_ != nullptr) reader_->try_cancel();
    if (writer_ != nullptr) writer_->try_cancel();
}

void TcpStream::abandon(Operation& operation) noexcept {
    if (&operation == reader_) {
        reader_ = nullptr;
        return deadlines_.read_was_left();
    }
    writer_ = nullptr;
    deadlines_.write_was_left();
    if (operation.point() != detail::SuspensionPoint::stream_write) return;
    if (static_cast<detail::WriteRequest&>(operation).written() > 0) ends_.tear();
}

void TcpStream::on_loop_gone() noexcept {
    if (reader_ != nullptr) std::exchange(reader_, nullptr)->forget();
    if (writer_ != nullptr) std::exchange(writer_, nullptr)->forget();
    loop_->closing(slot_, socket_, interest_, true);
    loop_->sockets().close(socket_);
    if (armed()) loop_->wheel().cancel(*this);
    socket_ = invalid_socket;
    interest_ = Interest::none;
    ends_.on_close(Errc::loop_gone);
    loop_ = nullptr;
}

// Interest: asked for when somebody starts to wait, dropped only when an unwanted event has come.

PackedError TcpStream::ask(Interest wanted) noexcept {
    return loop_->watch(slot_, socket_, interest_, wanted | Interest::news_only);
}

void TcpStream::drop(Interest less) noexcept {
    // On failure the event comes again, and with it the next attempt.
    if (!includes(interest_, less)) return;
    Interest rest = without(interest_, less);
    if (rest == Interest::news_only) rest = Interest::none;
    static_cast<void>(loop_->watch(slot_, socket_, interest_, rest));
}

// Time

void TcpStream::on_timer() noexcept {
    const auto expired =
        deadlines_.take_expired(*loop_, *this, reader_ != nullptr, writer_ != nullptr);
    if (expired.write) {
        Operation& late = *writer_;
        abandon(late);
        deadlines_.write_has_expired();
        if (!expired.read) return late.finish_now(Errc::deadline_expired);
        late.finish_later(Errc::deadline_expired); // the reader may destroy it, and this stream
    }
    if (expired.read) expire_read();
}

// Input that is there beats a deadline that passed while the loop was busy. The events of this turn
// have been dispatched, but one that did not fit into the turn may still be in the kernel.
void TcpStream::expire_read() noexcept {
    Operation& reader = *reader_;
    if (reader.point() == detail::SuspensionPoint::stream_close) {
        reader_ = nullptr;
        ends_.on_read_error(Errc::deadline_expired);
        loop_->closing(slot_, socket_, interest_, true);
        loop_->sockets().close_with_reset(socket_);
        release_socket();
        return reader.finish_now(Errc::deadline_expired);
    }
    auto& request = static_cast<detail::ReadRequest&>(reader);
    const bool has_come = try_receive(request);
    reader_ = nullptr;
    request.finish_now(has_come ? request.error() : PackedError(Errc::deadline_expired));
}

// Reports and settings

EndReport TcpStream::end_report() const {
    const bool is_connecting =
        writer_ != nullptr && writer_->point() == detail::SuspensionPoint::tcp_connect;
    EndReport report = ends_.report(deadlines_.last_wait());
    if (is_connecting) report.phase = StreamPhase::connecting;
    report.bytes_received = received_;
    report.bytes_sent = sent_;
    if (const auto peer = peer_endpoint()) report.peer = *peer;
    return report;
}

void TcpStream::set_idle_timeout(Duration idle_timeout) noexcept {
    deadlines_.set_idle_timeout(idle_timeout);
}

void TcpStream::set_write_stall_timeout(Duration write_stall_timeout) noexcept {
    deadlines_.set_write_stall_timeout(write_stall_timeout);
}

void TcpStream::limit_quiet(Duration quiet) noexcept {
    deadlines_.limit_quiet(loop_, *this, reader_ != nullptr, quiet);
}

} // namespace tidemill
