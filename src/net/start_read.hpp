// The beginning of a deadline, inlined: every message passes here.
#pragma once

#include "core/loop_core.hpp"
#include <algorithm>
#include <tidemill/core/inline.hpp>
#include <tidemill/net/stream_deadlines.hpp>

namespace tidemill::detail {

TIDEMILL_INLINE void StreamDeadlines::start_read(LoopCore& loop, TimerNode& timer,
                                                 Deadline deadline) noexcept {
    constexpr std::int64_t ns_per_ms = 1'000'000;
    std::int64_t timeout_ns = deadline.timeout_ns();
    if (deadline.is_default()) timeout_ns = idle_ms_ != 0 ? idle_ms_ * ns_per_ms : no_moment;
    if (quiet_ms_ != 0) [[unlikely]]
        timeout_ns = std::min(timeout_ns, quiet_ms_ * ns_per_ms);
    read_moment_ = timeout_ns == no_moment ? no_moment : loop.moment_after(timeout_ns);
    const bool is_later = timer.armed() && read_moment_ >= timer.fires_at();
    if (!is_later) [[unlikely]]
        arm(loop, timer, read_moment_);
}

} // namespace tidemill::detail
