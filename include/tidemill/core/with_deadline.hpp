// with_deadline: one limit for a whole conversation instead of one for each of its operations.
#pragma once

#include <tidemill/core/sleep.hpp>
#include <tidemill/core/when.hpp>

namespace tidemill {
namespace detail {

inline Task<Result<void>> sleeping(Duration duration) { co_return co_await sleep(duration); }

} // namespace detail

/// Runs `task`, but no longer than `deadline` from the moment at which this is awaited; the default
/// deadline and never() are no limit. The result is the task's own, or `Errc::deadline_expired`.
///
/// When the deadline passes, the task is cancelled and waited for: its pending operation ends as
/// `cancelled`, and it may clean up. If it comes back with a value all the same, what it had got in
/// that moment, the value counts. A cancellation from outside stays `Errc::cancelled`; it is never
/// taken for the deadline. What streams have received and nobody has read stays with them. What
/// leaves the task as an exception is thrown here, unless the deadline has passed: then it is
/// counted (LoopCounters::failed_tasks).
template <class T>
[[nodiscard]] Task<Result<T>> with_deadline(Task<Result<T>> task, Deadline deadline) {
    if (deadline.is_default() || deadline.is_never()) co_return co_await std::move(task);
    auto both = when_any(std::move(task), detail::sleeping(Duration(deadline.timeout_ns())));
    auto ended = co_await std::move(both);
    if (ended.index == 0) co_return std::get<0>(std::move(ended.value));
    std::optional<Result<T>>& late = std::get<0>(ended.losers);
    const bool was_cancelled = !std::get<1>(ended.value);
    if (late && (was_cancelled || *late)) co_return std::move(*late);
    co_return failure(was_cancelled ? Errc::cancelled : Errc::deadline_expired);
}

} // namespace tidemill
