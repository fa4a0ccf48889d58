// The part of LoopCore that keeps the table of sources and the selector's view of them.

#include "core/loop_core.hpp"

namespace tidemill::detail {

std::uint32_t LoopCore::attach(Source& source) {
    if (first_free_ == no_slot) {
        slots_.push_back({&source, 0, 0});
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
    slots_[slot].next_free = first_free_;
    first_free_ = slot;
    --counters_.open_sockets;
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
    if (!error) known = wanted;
    return error;
}

void LoopCore::closing(std::uint32_t slot, NativeSocket socket, Interest known,
                       bool sole_owner) noexcept {
    if (known != Interest::none)
        selector_->closing(socket, {slot, slots_[slot].generation}, sole_owner);
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
