// The part of LoopCore that keeps the table of sources and the selector's view of them.

#include "core/loop_core.hpp"
#include <new>

namespace tidemill::detail {

std::uint32_t LoopCore::attach(Source& source) {
    work_came_up();
    if (first_free_ == no_slot) {
        slots_.emplace_back().source = &source;
        ++counters_.open_sockets;
        return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = first_free_;
    first_free_ = slots_[slot].next_free;
    slots_[slot].source = &source;
    ++counters_.open_sockets;
    return slot;
}

void LoopCore::detach(std::uint32_t slot) noexcept {
    slots_[slot].source = nullptr;
    ++slots_[slot].generation;
    slots_[slot].interest = 0;
    slots_[slot].next_free = first_free_;
    first_free_ = slot;
    --counters_.open_sockets;
    work_came_up();
}

PackedError LoopCore::watch(std::uint32_t slot, NativeSocket socket, Interest& known,
                            Interest wanted) {
    if (known == wanted) return {};
    const Token token{slot, slots_[slot].generation};
    PackedError error;
    if (wanted == Interest::none) {
        error = selector_->remove(socket, token);
    } else if (known == Interest::none) {
        error = selector_->add(socket, wanted, token);
    } else {
        error = selector_->modify(socket, wanted, token);
    }
    if (error) return error;
    known = wanted;
    slots_[slot].interest = static_cast<std::uint32_t>(wanted) & 7u;
    if (wanted != Interest::none) slots_[slot].socket = socket;
    return {};
}

PackedError LoopCore::renew(std::uint32_t slot, NativeSocket socket, Interest known) {
    return selector_->modify(socket, known, {slot, slots_[slot].generation});
}

void LoopCore::closing(std::uint32_t slot, NativeSocket socket, Interest known,
                       bool sole_owner) noexcept {
    slots_[slot].interest = 0;
    if (known != Interest::none)
        selector_->closing(socket, {slot, slots_[slot].generation}, sole_owner);
}

// A source that an earlier event of the same batch took away leaves an event behind, which means
// nothing. No wait reports it again, unless the kernel holds on to the closed socket.
void LoopCore::on_stale_event(Token token) noexcept {
    if (stale_turn_ == counters_.turns) return; // one suspect a turn is enough: it comes again
    const bool is_repeated = token == stale_;
    stale_ = token;
    stale_turn_ = counters_.turns;
    if (!is_repeated) return;
    try {
        if (selector_->rebuild(all_watched())) ++counters_.selector_rebuilds;
    } catch (const std::bad_alloc&) {
        return; // and once more when it is reported next
    }
}

std::vector<Watched> LoopCore::all_watched() const {
    std::vector<Watched> all;
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
        const Slot& each = slots_[slot];
        if (const auto interest = static_cast<Interest>(each.interest); interest != Interest::none)
            all.push_back({each.socket, interest, {slot, each.generation}});
    }
    return all;
}

// There was no memory to note who wants one. Who wants none does not mind being asked.
void LoopCore::offer_leases_to_all() noexcept {
    everybody_wants_leases_ = false;
    wanting_leases_.clear();
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot)
        if (Source* source = slots_[slot].source; source != nullptr) source->on_leases_returned();
}

void LoopCore::add_member(LoopMember& member) noexcept {
    member.next = members_;
    member.previous = nullptr;
    if (members_ != nullptr) members_->previous = &member;
    members_ = &member;
}

void LoopCore::remove_member(LoopMember& member) noexcept {
    (member.previous == nullptr ? members_ : member.previous->next) = member.next;
    if (member.next != nullptr) member.next->previous = member.previous;
}

LoopCounters LoopCore::counted() const {
    LoopCounters counted = counters_;
    counted.leased_bytes = chunks_.leased_bytes();
    counted.rejected_posts = inbox_->rejected();
    return counted;
}

} // namespace tidemill::detail
