// when_all and when_any: one task waits for several, which run beside each other.
//
// Either completes when every child has stopped (see when_group.hpp), and what the losers of
// when_any have got by then is handed out too, so that no received byte is lost.
#pragma once

#include <array>
#include <optional>
#include <tidemill/core/when_group.hpp>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace tidemill {
namespace detail {

template <class T> Kept<T> take_result(PromiseBase& child) {
    auto& promise = static_cast<TaskPromise<T>&>(child);
    if constexpr (std::is_void_v<T>) {
        promise.take();
        return {};
    } else {
        return promise.take();
    }
}

/// Nothing if the child never started or was left by an exception.
template <class T> std::optional<Kept<T>> take_late_result(PromiseBase& child) {
    if (!child.has_value()) return std::nullopt;
    return take_result<T>(child);
}

/// Children of several types; owns their frames.
template <class... T> class WhenTuple final : public WhenGroup {
public:
    WhenTuple(Goal goal, Task<T>&&... tasks) noexcept
        : WhenGroup(promises_, goal), promises_{std::move(tasks).release()...} {}
    ~WhenTuple() { destroy_children(); }
    [[nodiscard]] PromiseBase& child(std::size_t index) const noexcept { return *promises_[index]; }

private:
    std::array<PromiseBase*, sizeof...(T)> promises_;
};

/// Children of one type; owns their frames.
template <class T> class WhenVector final : public WhenGroup {
public:
    WhenVector(Goal goal, std::vector<Task<T>>& tasks) : WhenVector(goal, frames_of(tasks)) {}
    ~WhenVector() { destroy_children(); }
    [[nodiscard]] PromiseBase& child(std::size_t index) const noexcept { return *promises_[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return promises_.size(); }

private:
    WhenVector(Goal goal, std::vector<PromiseBase*>&& promises) noexcept
        : WhenGroup(promises, goal), promises_(std::move(promises)) {}
    static std::vector<PromiseBase*> frames_of(std::vector<Task<T>>& tasks) {
        std::vector<PromiseBase*> promises;
        promises.reserve(tasks.size()); // may throw, so before the first task gives its frame away
        for (Task<T>& task : tasks) promises.push_back(std::move(task).release());
        return promises;
    }
    std::vector<PromiseBase*> promises_;
};

template <class... T, std::size_t... I>
std::tuple<Kept<T>...> take_all(const WhenTuple<T...>& group, std::index_sequence<I...>) {
    return {take_result<T>(group.child(I))...};
}

} // namespace detail

/// What when_any() gives: who ended first, and with what.
template <class... T> struct AnyResult {
    std::size_t index;
    std::variant<detail::Kept<T>...> value;
    /// What the others ended with once they were cancelled: usually a cancelled operation's error,
    /// but also what had come in for them in the same turn. Nothing for the winner, for those that
    /// threw, and for those that never started because the winner ended at once.
    std::tuple<std::optional<detail::Kept<T>>...> losers;
};

/// The same for tasks of one type.
template <class T> struct AnyOf {
    std::size_t index;
    detail::Kept<T> value;
    std::vector<std::optional<detail::Kept<T>>> losers;
};

/// Runs all tasks beside each other and gives their results, void as std::monostate.
///
/// If an exception leaves one, the others are cancelled and waited for, then the first exception is
/// rethrown. Cancelling the waiting task cancels all of them and waits for them; destroying it
/// destroys them. The tasks start in order when the result is awaited.
template <class... T>
[[nodiscard]] Task<std::tuple<detail::Kept<T>...>> when_all(Task<T>... tasks) {
    detail::WhenTuple<T...> group(detail::WhenGroup::Goal::all, std::move(tasks)...);
    co_await group;
    co_return detail::take_all(group, std::index_sequence_for<T...>());
}

/// As above for any number of tasks of one type.
template <class T>
[[nodiscard]] Task<std::vector<detail::Kept<T>>> when_all(std::vector<Task<T>> tasks) {
    detail::WhenVector<T> group(detail::WhenGroup::Goal::all, tasks);
    co_await group;
    std::vector<detail::Kept<T>> results;
    results.reserve(group.size());
    for (std::size_t i = 0; i < group.size(); ++i)
        results.push_back(detail::take_result<T>(group.child(i)));
    co_return results;
}

namespace detail {

template <class... T, std::size_t... I>
AnyResult<T...> take_any(const WhenTuple<T...>& group, std::index_sequence<I...>) {
    const std::size_t winner = group.winner();
    std::optional<std::variant<Kept<T>...>> value;
    const auto take = [&]<std::size_t Index, class U>(std::in_place_index_t<Index> at) {
        if (Index == winner) value.emplace(at, take_result<U>(group.child(Index)));
    };
    (take.template operator()<I, T>(std::in_place_index<I>), ...);
    return {winner,
            *std::move(value),
            {I == winner ? std::nullopt : take_late_result<T>(group.child(I))...}};
}

} // namespace detail

/// Runs all tasks beside each other until the first ends; the others are cancelled and waited for.
///
/// Rethrows if an exception left the first; exceptions of the others are counted
/// (LoopCounters::failed_tasks). Otherwise as when_all().
template <class First, class... Rest>
[[nodiscard]] Task<AnyResult<First, Rest...>> when_any(Task<First> first, Task<Rest>... rest) {
    detail::WhenTuple<First, Rest...> group(detail::WhenGroup::Goal::first, std::move(first),
                                            std::move(rest)...);
    co_await group;
    co_return detail::take_any(group, std::make_index_sequence<1 + sizeof...(Rest)>());
}

/// As above for any number of tasks of one type, but at least one.
template <class T> [[nodiscard]] Task<AnyOf<T>> when_any(std::vector<Task<T>> tasks) {
    TIDEMILL_REQUIRE(!tasks.empty(), "when_any waits for at least one task");
    detail::WhenVector<T> group(detail::WhenGroup::Goal::first, tasks);
    co_await group;
    const std::size_t winner = group.winner();
    AnyOf<T> result{winner, detail::take_result<T>(group.child(winner)), {}};
    result.losers.resize(group.size());
    for (std::size_t i = 0; i < group.size(); ++i)
        if (i != winner) result.losers[i] = detail::take_late_result<T>(group.child(i));
    co_return result;
}

} // namespace tidemill
