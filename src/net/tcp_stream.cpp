// TcpStream: life, ends and deadlines. The transfer of bytes stands in tcp_transfer.cpp.

#include "core/loop_core.hpp"
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

void TcpStream::take(TcpStream& other) noexcept {
    TIDEMILL_REQUIRE(other.reader_ == nullptr && other.writer_ == nullptr,
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
    idle_ms_ = other.idle_ms_;
    write_stall_ms_ = other.write_stall_ms_;
    quiet_ms_ = other.quiet_ms_;
    interest_ = std::exchange(other.interest_, Interest::none);
    has_unread_ = other.has_unread_;
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
    if (ends_.is_torn() || was_left_by_exception) return abort();
    end_waiters();
    if (ends_.is_torn()) return abort(); // a waiting write had sent a part
    if (ends_.read_has_ended() || ends_.fatal()) return close_now();
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
    cancel();
    if (armed()) loop_->wheel().cancel(*this);
}

void TcpStream::cancel() noexcept {
    if (reader_ != nullptr) reader_->try_cancel();
    if (writer_ != nullptr) writer_->try_cancel();
}

void TcpStream::abandon(Operation& operation) noexcept {
    if (&operation == reader_) {
        reader_ = nullptr;
        return;
    }
    writer_ = nullptr;
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
    return loop_->watch(slot_, socket_, interest_, wanted);
}

void TcpStream::drop(Interest less) noexcept {
    // On failure the event comes again, and with it the next attempt.
    if (includes(interest_, less))
        static_cast<void>(loop_->watch(slot_, socket_, interest_, without(interest_, less)));
}

// Deadlines: two moments and one timer. A later moment is only stored; the timer finds it when it
// fires for the old one. That is what keeps a deadline on every read nearly free.

void TcpStream::set_read_deadline(Deadline deadline) noexcept {
    std::int64_t timeout_ns = no_moment;
    if (!deadline.is_default()) {
        timeout_ns = deadline.timeout_ns();
    } else if (idle_ms_ != 0) {
        timeout_ns = std::int64_t{idle_ms_} * 1'000'000;
    }
    if (quiet_ms_ != 0) timeout_ns = std::min(timeout_ns, std::int64_t{quiet_ms_} * 1'000'000);
    read_moment_ = timeout_ns == no_moment ? no_moment : loop_->moment_after(timeout_ns);
    arm(read_moment_);
}

void TcpStream::set_write_deadline(Deadline deadline) noexcept {
    stall_limited_ = deadline.is_default() && write_stall_ms_ != 0;
    write_moment_ = no_moment;
    if (stall_limited_) {
        write_moment_ = loop_->moment_after(std::int64_t{write_stall_ms_} * 1'000'000);
    } else if (!deadline.is_default() && !deadline.is_never()) {
        write_moment_ = loop_->moment_after(deadline.timeout_ns());
    }
    arm(write_moment_);
}

void TcpStream::arm(std::int64_t moment) noexcept {
    if (moment == no_moment) return;
    if (!armed() || moment < fires_at()) loop_->wheel().arm(*this, moment);
}

void TcpStream::rearm() noexcept {
    if (reader_ != nullptr) arm(read_moment_);
    if (writer_ != nullptr) arm(write_moment_);
}

void TcpStream::on_timer() noexcept {
    const std::int64_t now = loop_->now_ns();
    Operation* const late_reader = reader_ != nullptr && read_moment_ <= now ? reader_ : nullptr;
    Operation* const late_writer = writer_ != nullptr && write_moment_ <= now ? writer_ : nullptr;
    if (late_reader != nullptr) read_moment_ = no_moment;
    if (late_writer != nullptr) write_moment_ = no_moment;
    rearm();
    if (late_writer != nullptr) {
        abandon(*late_writer);
        if (late_reader != nullptr) {
            late_writer->finish_later(Errc::deadline_expired);
        } else {
            late_writer->finish_now(Errc::deadline_expired);
        }
    }
    if (late_reader != nullptr) expire_read();
}

// Input that is there beats a deadline that passed while the loop was busy. The events of this turn
// have been dispatched, but one that did not fit into the turn may still be in the kernel.
void TcpStream::expire_read() noexcept {
    Operation& reader = *reader_;
    if (reader.point() == detail::SuspensionPoint::stream_close) {
        reader_ = nullptr;
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

// Settings

void TcpStream::set_idle_timeout(Duration idle_timeout) noexcept {
    idle_ms_ = detail::to_milliseconds(idle_timeout);
}

void TcpStream::set_write_stall_timeout(Duration write_stall_timeout) noexcept {
    write_stall_ms_ = detail::to_milliseconds(write_stall_timeout);
}

void TcpStream::limit_quiet(Duration quiet) noexcept {
    quiet_ms_ = std::max(detail::to_milliseconds(quiet), std::uint32_t{1});
    if (!is_open() || reader_ == nullptr) return;
    const std::int64_t moment = loop_->moment_after(std::int64_t{quiet_ms_} * 1'000'000);
    read_moment_ = std::min(read_moment_, moment);
    arm(read_moment_);
}

} // namespace tidemill
