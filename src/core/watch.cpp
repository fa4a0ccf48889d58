// The socket is in the selector only while somebody waits, and leaves it by call: its owner may
// close it at any other time, may have duplicated it, and may pass it to another loop.
//
// Both directions of one event belong to one answer. So the waiter is not resumed when the first is
// told, but from the ready list, later in the same turn; until then the slot is kept.

#include "core/loop_core.hpp"
#include <new>
#include <tidemill/core/require.hpp>
#include <tidemill/core/watch.hpp>

namespace tidemill {

using detail::PackedError;

bool WatchOperation::start(detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(interest_ != Interest::none &&
                         without(interest_, Interest::read_write) == Interest::none,
                     "a watch waits for one direction or both");
    TIDEMILL_REQUIRE(waiter.loop() == loop_, "a task watches sockets on its own loop");
    if (const PackedError error = begin_watching()) return complete(waiter, error);
    park_timed(*this, waiter);
    return true;
}

PackedError WatchOperation::begin_watching() noexcept {
    if (!loop_->selector().takes_foreign_sockets()) return std::errc::not_supported;
    try {
        slot_ = loop_->attach(*this);
    } catch (const std::bad_alloc&) {
        return std::errc::not_enough_memory;
    }
    const PackedError error = loop_->watch(slot_, socket_, known_, interest_);
    if (error) loop_->detach(slot_);
    return error;
}

// The selector has forgotten a socket that was closed against the rules: there is nothing to undo.
void WatchOperation::unwatch() noexcept {
    if (known_ == Interest::none || loop_ == nullptr) return;
    static_cast<void>(loop_->watch(slot_, socket_, known_, Interest::none));
    known_ = Interest::none;
    loop_->detach(slot_);
}

void WatchOperation::note(Interest direction) noexcept {
    if (!includes(interest_, direction)) return; // a failure is told in both
    ready_ = ready_ | direction;
    if (is_parked()) finish_later({});
}

void WatchOperation::abandon(detail::Operation&) noexcept { unwatch(); }

void WatchOperation::on_loop_gone() noexcept {
    if (is_parked()) forget();
    loop_ = nullptr;
}

Result<Interest> WatchOperation::await_resume() noexcept {
    unwatch();
    if (error()) return failure(error().code());
    return ready_;
}

} // namespace tidemill
