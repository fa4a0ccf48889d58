// The part of LoopCore that lets another loop run this one: as a guest that its host turns, or by
// run_once(0) from a loop that waits for the selector's descriptor.
//
// Whoever waits in the loop's place has to be woken by other threads as the loop itself would be.
// So the inbox is told that the loop sleeps as soon as the host has asked how long it may; a turn
// wakes it up again.

#include "core/loop_core.hpp"
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

Duration LoopCore::time_left_alone() noexcept {
    const Duration left = time_to_next_work();
    if (left == Duration::zero() || !inbox_->may_sleep(false)) return Duration::zero();
    return left == Selector::forever ? Duration(-1) : left;
}

void LoopCore::become_guest(LoopHost& host) noexcept {
    check_can_run();
    host_ = &host;
    inbox_->use(*selector_, true);
}

void LoopCore::guest_turn() {
    count_exceptions_around();
    turn(Duration::zero(), false);
}

PackedError LoopCore::end_guest(std::unique_ptr<Selector> selector) {
    check_thread();
    for (const Watched& each : all_watched())
        if (const PackedError error = selector->add(each.socket, each.interest, each.token))
            return error;
    inbox_->use(*selector, false);
    selector_.swap(selector);
    host_ = nullptr;
    return {};
}

} // namespace tidemill::detail
