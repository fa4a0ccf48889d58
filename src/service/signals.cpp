#include "core/loop_core.hpp"
#include "service/signal_catcher.hpp"
#include <tidemill/core/require.hpp>
#include <tidemill/service/signals.hpp>

namespace tidemill {

using detail::Interest;
using detail::PackedError;

const char* name_of(Signal signal) noexcept {
    switch (signal) {
    case Signal::interrupt: return "SIGINT";
    case Signal::terminate: return "SIGTERM";
    case Signal::hangup: return "SIGHUP";
    case Signal::quit: return "SIGQUIT";
    case Signal::user1: return "SIGUSR1";
    case Signal::user2: return "SIGUSR2";
    case Signal::broken_pipe: return "SIGPIPE";
    }
    return "unknown signal";
}

Signals::Signals(EventLoop& loop, std::initializer_list<Signal> taken)
    : loop_(&loop.core()), catcher_(or_throw(detail::SignalCatcher::make(taken))),
      slot_(loop_->attach(*this)) {
    const PackedError error =
        loop_->watch(slot_, catcher_->readable_end(), interest_, Interest::read);
    if (!error) return;
    loop_->detach(slot_);
    throw_error(error.code());
}

Signals::~Signals() {
    if (catcher_ == nullptr) return;
    cancel();
    stop_watching();
    loop_->detach(slot_);
}

void Signals::on_loop_gone() noexcept {
    if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->forget();
    stop_watching();
}

void Signals::stop_watching() noexcept {
    loop_->closing(slot_, catcher_->readable_end(), interest_, false);
    catcher_.reset();
}

void Signals::cancel() noexcept {
    if (waiter_ != nullptr) waiter_->try_cancel();
}

void Signals::abandon(detail::Operation&) noexcept { waiter_ = nullptr; }

bool SignalOperation::start(detail::PromiseBase& waiter) noexcept {
    return signals_.start_wait(*this, waiter);
}

void SignalOperation::on_timer() noexcept {
    if (is_parked()) signals_.expire(*this); // else it has ended in this turn already
}

bool Signals::start_wait(SignalOperation& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(waiter_ == nullptr, "signals are waited for by one task at a time");
    if (const auto signal = catcher_->take()) {
        request.signal_ = *signal;
        return false; // not kept waiting with a signal in hand, which a destroyed task would lose
    }
    waiter_ = &request;
    request.park_timed(*this, waiter);
    return true;
}

void Signals::on_readable() noexcept {
    catcher_->drain();
    if (waiter_ == nullptr) return; // the catcher keeps them
    const auto signal = catcher_->take();
    if (!signal) return; // the next() that waits found it before this event did
    SignalOperation& request = *std::exchange(waiter_, nullptr);
    request.signal_ = *signal;
    request.finish_now({});
}

// A signal that is there beats a deadline that passed while the loop was busy.
void Signals::expire(SignalOperation& request) noexcept {
    waiter_ = nullptr;
    const auto signal = catcher_->take();
    if (signal) request.signal_ = *signal;
    request.finish_now(signal ? PackedError() : PackedError(Errc::deadline_expired));
}

} // namespace tidemill
