#include <tidemill/core/wait_list.hpp>

namespace tidemill::detail {

void WaiterLine::add(Waiter& waiter) noexcept {
    waiter.next_waiter = nullptr;
    waiter.previous_waiter = last_;
    (last_ == nullptr ? first_ : last_->next_waiter) = &waiter;
    last_ = &waiter;
}

void WaiterLine::remove(Waiter& waiter) noexcept {
    (waiter.previous_waiter == nullptr ? first_ : waiter.previous_waiter->next_waiter) =
        waiter.next_waiter;
    (waiter.next_waiter == nullptr ? last_ : waiter.next_waiter->previous_waiter) =
        waiter.previous_waiter;
}

void WaitList::wait(Waiter& waiter, PromiseBase& task) noexcept {
    line_.add(waiter); // before parking, which may cancel it and so take it off again
    waiter.park_timed(*this, task);
}

Waiter* WaitList::take_first() noexcept {
    Waiter* const waiter = line_.first();
    if (waiter != nullptr) line_.remove(*waiter);
    return waiter;
}

void WaitList::finish_all(PackedError error) noexcept {
    while (Waiter* const waiter = take_first()) waiter->finish_later(error);
}

void WaitList::abandon(Operation& operation) noexcept {
    line_.remove(static_cast<Waiter&>(operation));
}

} // namespace tidemill::detail
