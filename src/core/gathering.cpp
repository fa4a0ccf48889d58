// The part of LoopCore that flushes what was gathered during a turn: steps 1 and 9.

#include "core/loop_core.hpp"

namespace tidemill::detail {

void Gathering::stop_gathering() noexcept {
    if (next == nullptr) return;
    next->previous = previous;
    previous->next = next;
    next = nullptr;
}

void LoopCore::flush_later(Gathering& work) noexcept {
    if (work.next != nullptr) return;
    work.next = &gathering_;
    work.previous = gathering_.previous;
    gathering_.previous->next = &work;
    gathering_.previous = &work;
    work_came_up();
}

// One that flushes into another, a layer upon a layer, makes the other's turn come here as well.
void LoopCore::run_flushes() noexcept {
    while (gathering_.next != &gathering_) {
        auto& work = static_cast<Gathering&>(*gathering_.next);
        work.stop_gathering();
        work.flush();
    }
}

// Whom it completes goes on at once: to resume him in the next turn would make that turn's wait ask
// the system in vain. Who is on the ready list by then waits there as he would without a flush.
void LoopCore::end_gathering() noexcept {
    if (gathering_.next == &gathering_) return;
    ReadyList waiting;
    ready_.move_to(waiting);
    run_flushes();
    run_ready();
    ready_.move_to(waiting);
    waiting.move_to(ready_);
}

} // namespace tidemill::detail
