// MemoryStream: life, ends and deadlines. The transfer of bytes stands in memory_transfer.cpp.

#include "core/completion.hpp"
#include "testing/memory_link.hpp"
#include <exception>
#include <tidemill/core/require.hpp>

namespace tidemill::testing {

using detail::complete;
using detail::Operation;
using detail::PackedError;
using detail::SuspensionPoint;

namespace {

constexpr std::size_t most_discarded_bytes = std::size_t{1} << 20;

} // namespace

StreamPair make_stream_pair(EventLoop& loop, const PairOptions& options) {
    auto link = std::make_shared<detail::MemoryLink>(loop.core(), options);
    std::unique_ptr<MemoryStream> first(new MemoryStream(loop.core(), link, 0));
    std::unique_ptr<MemoryStream> second(new MemoryStream(loop.core(), link, 1));
    return {std::move(first), std::move(second)};
}

MemoryStream::MemoryStream(detail::LoopCore& loop, std::shared_ptr<detail::MemoryLink> link,
                           std::size_t side)
    : loop_(&loop), link_(std::move(link)), side_(side), slot_(loop.attach(*this)),
      exceptions_at_birth_(std::uncaught_exceptions()) {
    link_->join(side_, *this);
}

detail::MemoryPipe& MemoryStream::input() const noexcept { return link_->pipe_from(1 - side_); }

detail::MemoryPipe& MemoryStream::output() const noexcept { return link_->pipe_from(side_); }

// Faults

PackedError MemoryStream::Fault::strike() noexcept {
    if (transfers_left == 0 || --transfers_left > 0) return {};
    return error;
}

void MemoryStream::fail_read(std::size_t nth, std::errc error) noexcept {
    read_fault_ = {nth, error};
    if (is_open()) link_->serve_later(side_);
}

void MemoryStream::fail_write(std::size_t nth, std::errc error) noexcept {
    write_fault_ = {nth, error};
    if (is_open()) link_->serve_later(side_);
}

// Time

void MemoryStream::on_timer() noexcept {
    const auto expired =
        deadlines_.take_expired(*loop_, *this, reader_ != nullptr, writer_ != nullptr);
    if (expired.write) {
        Operation& late = *writer_;
        abandon(late);
        deadlines_.write_has_expired();
        if (!expired.read) return late.finish_now(Errc::deadline_expired);
        late.finish_later(Errc::deadline_expired);
    }
    if (expired.read) expire_read();
}

// Input that is there beats a deadline that passed while the loop was busy.
void MemoryStream::expire_read() noexcept {
    Operation& late = *reader_;
    if (late.point() == SuspensionPoint::stream_close) {
        reader_ = nullptr;
        ends_.on_read_error(Errc::deadline_expired);
        abort();
        return late.finish_now(Errc::deadline_expired);
    }
    if (serve_reader()) return late.finish_now(late.error());
    reader_ = nullptr;
    late.finish_now(Errc::deadline_expired);
}

// Ending

PackedError MemoryStream::end_output() noexcept {
    if (!is_open()) return ends_.fatal();
    if (ends_.is_write_shut()) return {};
    PackedError error = ends_.write_error();
    if (!error) error = peer_error();
    if (error) {
        ends_.on_write_error(error);
        return error;
    }
    ends_.shut_write();
    output().is_ended = true;
    link_->serve_later(1 - side_);
    if (link_->lingers(1 - side_)) link_->end_linger(false);
    return {};
}

bool MemoryStream::start_shutdown(ShutdownOperation& request,
                                  detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(writer_ == nullptr, "a stream is not ended while a write waits");
    return complete(request, waiter, end_output(), 0);
}

bool MemoryStream::start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(reader_ == nullptr && writer_ == nullptr,
                     "a stream is not closed gracefully while somebody waits on it");
    PackedError error = is_open() ? ends_.close_error() : ends_.fatal();
    if (!error) error = end_output();
    if (error || ends_.read_has_ended()) {
        ends_.is_torn() ? abort() : close_now();
        return complete(request, waiter, error, 0);
    }
    ends_.on_graceful_close();
    deadlines_.start_close(*loop_, *this, request.deadline());
    reader_ = &request;
    if (can_receive()) link_->serve_later(side_);
    request.park(*this, waiter);
    return true;
}

// True once the stream is closed.
bool MemoryStream::discard(CloseOperation& request) noexcept {
    const std::size_t bytes = input().discard();
    received_ += bytes;
    request.add_discarded(bytes);
    const bool is_over_limit = request.discarded_bytes() > most_discarded_bytes;
    if (!is_over_limit && !input().is_ended && !input().is_reset) {
        link_->serve_later(1 - side_);
        return false;
    }
    reader_ = nullptr;
    PackedError error;
    if (!input().is_ended) error = std::errc::connection_reset;
    if (is_over_limit) error = Errc::limit_reached;
    request.set_error(error);
    error ? ends_.on_read_error(error) : ends_.on_end_of_input();
    is_over_limit ? abort() : close_now();
    return true;
}

void MemoryStream::close() noexcept {
    if (!is_open()) return;
    if (ends_.is_torn() || std::uncaught_exceptions() > exceptions_at_birth_) return abort();
    end_waiters();
    if (ends_.is_torn()) return abort(); // a waiting write had sent a part
    if (ends_.read_has_ended() || ends_.fatal()) return close_now();
    if (!link_->linger(side_)) return abort();
    release_link(Errc::closed_locally);
}

void MemoryStream::abort() noexcept {
    if (!is_open()) return;
    end_waiters();
    link_->leave(side_);
    release_link(Errc::closed_locally);
}

void MemoryStream::close_now() noexcept {
    if (!is_open()) return;
    output().is_ended = true;
    abort();
}

void MemoryStream::release_link(PackedError reason) noexcept {
    loop_->detach(slot_);
    loop_ = nullptr;
    link_.reset();
    ends_.on_close(reason);
}

void MemoryStream::end_waiters() noexcept {
    ends_.on_closing(deadlines_.last_wait());
    cancel();
    if (armed()) loop_->wheel().cancel(*this);
}

EndReport MemoryStream::end_report() const {
    EndReport report = ends_.report(deadlines_.last_wait());
    report.bytes_received = received_;
    report.bytes_sent = sent_;
    return report;
}

// The peer's buffer has what was written: there is nothing on the way.
detail::Unacknowledged MemoryStream::unacknowledged() const noexcept {
    return {0, false, 0, is_open() ? PackedError() : ends_.fatal()};
}

void MemoryStream::cancel() noexcept {
    if (reader_ != nullptr) reader_->try_cancel();
    if (writer_ != nullptr) writer_->try_cancel();
}

void MemoryStream::abandon(Operation& operation) noexcept {
    if (&operation == reader_) {
        reader_ = nullptr;
        return deadlines_.read_was_left();
    }
    writer_ = nullptr;
    deadlines_.write_was_left();
    if (static_cast<detail::WriteRequest&>(operation).written() > 0) ends_.tear();
}

void MemoryStream::on_loop_gone() noexcept {
    if (reader_ != nullptr) std::exchange(reader_, nullptr)->forget();
    if (writer_ != nullptr) std::exchange(writer_, nullptr)->forget();
    if (armed()) loop_->wheel().cancel(*this);
    link_->loop_is_gone();
    link_.reset();
    loop_ = nullptr;
    ends_.on_close(Errc::loop_gone);
}

} // namespace tidemill::testing
