// TlsConnection: the handshake, begun by the first operation of any kind.

#include "core/completion.hpp"
#include "tls/tls_connection.hpp"
#include <algorithm>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

bool TlsConnection::start_handshake(HandshakeOperation& request, PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(handshaker_ == nullptr, "a handshake is awaited by one task at a time");
    PackedError error = bind(waiter);
    if (!error) error = is_open_ ? PackedError() : ends_.fatal();
    if (!error && !is_ready()) error = ends_.fatal();
    if (error || is_ready()) {
        if (error && engine_.has_failed()) request.set_reason(engine_.failure());
        return complete(request, waiter, error);
    }
    begin_handshake();
    if (ends_.fatal()) { // out of memory in the first step, and nobody else is told
        if (engine_.has_failed()) request.set_reason(engine_.failure());
        return complete(request, waiter, ends_.fatal());
    }
    if (!request.deadline().is_default()) handshake_moment_ = moment_of(request.deadline());
    handshaker_ = &request;
    request.park(*this, waiter);
    advance_handshake();
    watch_time();
    return true;
}

void TlsConnection::begin_handshake() noexcept {
    if (has_begun_) return;
    has_begun_ = true;
    if (options_.handshake_timeout > Duration::zero())
        handshake_moment_ = loop_->moment_after(options_.handshake_timeout.count());
    take_handshake_step(); // a client's first; a server needs to hear of one before
}

// As far as it goes with what has come.
void TlsConnection::advance_handshake() noexcept {
    while (!is_ready() && !ends_.read_has_ended() && wants_input()) {
        if (input_.empty()) {
            if (!fetch()) return;
            continue;
        }
        if (!has_ration()) return;
        take_handshake_step();
    }
    // A reader is served by the loop: not inside a call of somebody else.
    if (is_ready() && reader_ != nullptr && !inner_read_) continue_later();
}

void TlsConnection::take_handshake_step() noexcept {
    TlsNext next = TlsNext::have_output_then_again;
    while (next == TlsNext::have_output_then_again) {
        engine_.set_output(queued_);
        engine_.set_input(input_.bytes());
        next = engine_.handshake();
        keep_unread();
    }
    if (!queued_.empty()) loop_->flush_later(*this);
    if (next == TlsNext::failed) return fail_engine();
    if (engine_.is_handshake_complete()) on_handshake_complete();
}

// In a crowd of handshakes each has to wait for its turn; what has come for it waits as well.
bool TlsConnection::has_ration() noexcept {
    if (shared_->may_shake_hands(waits_for_ration_)) {
        stop_waiting_for_ration();
        return true;
    }
    if (!std::exchange(waits_for_ration_, true)) shared_->one_waits();
    continue_later();
    return false;
}

void TlsConnection::stop_waiting_for_ration() noexcept {
    if (std::exchange(waits_for_ration_, false)) shared_->one_waits_no_more();
}

void TlsConnection::on_handshake_complete() noexcept {
    is_ready_ = true;
    handshake_moment_ = no_moment;
    finish_handshaker({});
    continue_writer();
}

void TlsConnection::finish_handshaker(PackedError error) noexcept {
    if (handshaker_ == nullptr) return;
    HandshakeOperation& waiting = *std::exchange(handshaker_, nullptr);
    if (error && engine_.has_failed()) waiting.set_reason(engine_.failure());
    waiting.finish_later(error);
}

} // namespace tidemill::detail
