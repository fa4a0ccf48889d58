#include "net/start_read.hpp"
#include <algorithm>
#include <tidemill/net/stream_deadlines.hpp>

namespace tidemill::detail {

namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr Duration default_close_limit = std::chrono::seconds(5);

// As the streams keep it: rounded up to milliseconds, bounded at 49 days; zero stays.
std::uint32_t to_milliseconds(Duration duration) noexcept {
    constexpr std::int64_t longest = std::numeric_limits<std::uint32_t>::max();
    const std::int64_t whole = duration.count() / ns_per_ms;
    const bool has_rest = duration.count() % ns_per_ms > 0;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(whole + has_rest, 0, longest));
}

} // namespace

void StreamDeadlines::set_idle_timeout(Duration idle_timeout) noexcept {
    idle_ms_ = to_milliseconds(idle_timeout);
}

void StreamDeadlines::set_write_stall_timeout(Duration write_stall_timeout) noexcept {
    write_stall_ms_ = to_milliseconds(write_stall_timeout);
}

void StreamDeadlines::start_write(LoopCore& loop, TimerNode& timer, Deadline deadline) noexcept {
    stall_limited_ = deadline.is_default() && write_stall_ms_ != 0;
    write_moment_ = no_moment;
    if (stall_limited_) {
        restart_stall_limit(loop);
    } else if (!deadline.is_default() && !deadline.is_never()) {
        write_moment_ = loop.moment_after(deadline.timeout_ns());
    }
    arm(loop, timer, write_moment_);
}

void StreamDeadlines::start_close(LoopCore& loop, TimerNode& timer, Deadline deadline) noexcept {
    quiet_ms_ = 0;
    start_read(loop, timer, deadline.is_default() ? within(default_close_limit) : deadline);
}

void StreamDeadlines::restart_stall_limit(LoopCore& loop) noexcept {
    write_moment_ = loop.moment_after(write_stall_ms_ * ns_per_ms);
}

void StreamDeadlines::limit_quiet(LoopCore* loop, TimerNode& timer, bool is_reading,
                                  Duration quiet) noexcept {
    quiet_ms_ = std::max(to_milliseconds(quiet), std::uint32_t{1});
    if (!is_reading) return;
    read_moment_ = std::min(read_moment_, loop->moment_after(quiet_ms_ * ns_per_ms));
    arm(*loop, timer, read_moment_);
}

StreamDeadlines::Expired StreamDeadlines::take_expired(LoopCore& loop, TimerNode& timer,
                                                       bool is_reading, bool is_writing) noexcept {
    const std::int64_t now = loop.now_ns();
    const Expired late{is_reading && read_moment_ <= now, is_writing && write_moment_ <= now};
    if (is_reading && !late.read) arm(loop, timer, read_moment_);
    if (is_writing && !late.write) arm(loop, timer, write_moment_);
    if (late.read) read_moment_ = expired;
    if (late.write) write_moment_ = expired;
    return late;
}

PackedError StreamDeadlines::last_wait() const noexcept {
    if (read_moment_ == expired || write_moment_ == expired) return Errc::deadline_expired;
    if (read_moment_ == left || write_moment_ == left) return Errc::cancelled;
    return {};
}

void StreamDeadlines::arm(LoopCore& loop, TimerNode& timer, std::int64_t moment) noexcept {
    if (moment == no_moment) return;
    if (!timer.armed() || moment < timer.fires_at()) loop.wheel().arm(timer, moment);
}

} // namespace tidemill::detail
