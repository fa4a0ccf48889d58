// Arming, cancelling and firing; the layout rule is told in the header.
//
// `expire` first moves everything that is due to one list and only then calls handlers, always
// taking the head anew. So no handler can pull the ground from under an iteration: cancelling a
// node that waits in that list unlinks it there like anywhere else, and what a handler arms goes
// by the new time into slots or into the due list, which only the next `expire` looks at.
#include "core/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace tidemill::detail {
namespace {

constexpr TimerWheel::Nanoseconds tick_nanoseconds = 1'000'000;
constexpr TimerWheel::Nanoseconds end_of_time = std::numeric_limits<TimerWheel::Nanoseconds>::max();

static_assert(sizeof(TimerNode) <= 32);
static_assert(end_of_time / tick_nanoseconds < (TimerWheel::Nanoseconds{1} << 48),
              "eight levels of six bits hold every tick");

void clear_list(TimerLink& list) noexcept { list.previous = list.next = &list; }

} // namespace

TimerWheel::TimerWheel(Nanoseconds now) : now_(now), current_(tick_at_or_before(now)) {
    TIDEMILL_REQUIRE(now >= 0, "loop time must not be negative");
    for (TimerLink& list : lists_) clear_list(list);
}

// The end of time is no whole tick; it counts as the tick after the last one, so that what is
// armed for the end of time fires then.
TimerWheel::Tick TimerWheel::tick_at_or_before(Nanoseconds time) noexcept {
    return static_cast<Tick>(time / tick_nanoseconds + (time == end_of_time ? 1 : 0));
}

TimerWheel::Tick TimerWheel::tick_at_or_after(Nanoseconds time) noexcept {
    return static_cast<Tick>(time / tick_nanoseconds + (time % tick_nanoseconds != 0 ? 1 : 0));
}

void TimerWheel::arm(TimerNode& node, Nanoseconds deadline) noexcept {
    cancel(node);
    ++size_;
    if (deadline <= now_) {
        node.tick = current_;
        append(due_index, node);
        return;
    }
    node.tick = tick_at_or_after(deadline);
    place(node);
}

void TimerWheel::append(std::size_t list, TimerNode& node) noexcept {
    TimerLink& end = lists_[list];
    node.previous = end.previous;
    node.next = &end;
    end.previous->next = &node;
    end.previous = &node;
}

void TimerWheel::place(TimerNode& node) noexcept {
    const auto highest_bit = static_cast<std::size_t>(std::bit_width(node.tick ^ current_)) - 1;
    const std::size_t level = highest_bit / slot_bits;
    const std::size_t digit = (node.tick >> (level * slot_bits)) % slots_per_level;
    append(level * slots_per_level + digit, node);
    occupied_[level] |= std::uint64_t{1} << digit;
}

void TimerWheel::unlink(TimerNode& node) noexcept {
    TimerLink* const previous = node.previous;
    TimerLink* const next = node.next;
    previous->next = next;
    next->previous = previous;
    node.next = nullptr;
    --size_;
    if (previous != next) return;
    // Both neighbours are the same only if it is the list's sentinel, which tells the slot.
    const auto list = static_cast<std::size_t>(next - lists_.data());
    if (list >= slot_count) return;
    occupied_[list / slots_per_level] &= ~(std::uint64_t{1} << (list % slots_per_level));
}

bool TimerWheel::list_empty(std::size_t list) const noexcept {
    return lists_[list].next == &lists_[list];
}

TimerNode& TimerWheel::front(std::size_t list) noexcept {
    return static_cast<TimerNode&>(*lists_[list].next);
}

std::optional<TimerWheel::Slot> TimerWheel::next_slot() const noexcept {
    for (std::size_t level = 0; level < level_count; ++level) {
        if (occupied_[level] == 0) continue;
        const auto digit = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
        const std::size_t shift = level * slot_bits;
        const Tick block = current_ >> (shift + slot_bits) << (shift + slot_bits);
        return Slot{level, level * slots_per_level + digit, block | Tick{digit} << shift};
    }
    return std::nullopt;
}

std::optional<TimerWheel::Nanoseconds> TimerWheel::next_expiry() const noexcept {
    if (empty()) return std::nullopt;
    if (!list_empty(due_index) || !list_empty(firing_index)) return now_;
    const Tick start = next_slot()->start;
    if (start > static_cast<Tick>(end_of_time / tick_nanoseconds)) return end_of_time;
    return static_cast<Nanoseconds>(start) * tick_nanoseconds;
}

void TimerWheel::expire(Nanoseconds now) {
    TIDEMILL_REQUIRE(!expiring_, "a timer handler must not run the timers again");
    now_ = std::max(now_, now);
    collect_due(tick_at_or_before(now_));
    fire_collected();
}

void TimerWheel::collect_due(Tick target) noexcept {
    while (!list_empty(due_index)) {
        TimerNode& node = front(due_index);
        unlink(node);
        ++size_;
        append(firing_index, node);
    }
    for (auto slot = next_slot(); slot && slot->start <= target; slot = next_slot())
        open_slot(*slot);
    current_ = target;
}

// Everything below this slot's level has been opened before, so time may move to its start; seen
// from there its nodes are due or belong to lower levels.
void TimerWheel::open_slot(const Slot& slot) noexcept {
    current_ = slot.start;
    TimerLink* link = lists_[slot.index].next;
    TimerLink* const end = &lists_[slot.index];
    clear_list(*end);
    occupied_[slot.level] &= ~(std::uint64_t{1} << (slot.index % slots_per_level));
    while (link != end) {
        auto& node = static_cast<TimerNode&>(*link);
        link = link->next;
        if (node.tick == current_)
            append(firing_index, node);
        else
            place(node);
    }
}

void TimerWheel::fire_collected() noexcept {
    expiring_ = true;
    while (!list_empty(firing_index)) {
        TimerNode& node = front(firing_index);
        unlink(node);
        node.on_timer(); // The node may be gone when this returns.
    }
    expiring_ = false;
}

void TimerWheel::detach_all() noexcept {
    for (TimerLink& list : lists_) {
        for (TimerLink* link = list.next; link != &list;) link = std::exchange(link->next, nullptr);
        clear_list(list);
    }
    occupied_.fill(0);
    size_ = 0;
}

} // namespace tidemill::detail
