#include "core/completion.hpp"
#include "core/loop_core.hpp"
#include "service/input_reader.hpp"
#include <tidemill/core/require.hpp>
#include <tidemill/service/standard_input.hpp>

namespace tidemill {

using detail::InputReader;
using detail::PackedError;

StandardInput::StandardInput(EventLoop& loop)
    : StandardInput(loop, detail::standard_input_handle()) {}

StandardInput::StandardInput(EventLoop& loop, Result<std::unique_ptr<detail::InputHandle>> handle)
    : loop_(&loop.core()),
      reader_(std::make_shared<InputReader>(*this, loop.remote(), std::move(handle))) {
    loop_->add_member(*this);
}

StandardInput::~StandardInput() {
    cancel();
    reader_->stop();
    if (loop_ != nullptr) loop_->remove_member(*this);
}

void StandardInput::on_loop_gone() noexcept {
    if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->forget();
    reader_->stop();
    loop_ = nullptr;
}

void StandardInput::cancel() noexcept {
    if (waiter_ != nullptr) waiter_->try_cancel();
}

void StandardInput::abandon(detail::Operation&) noexcept { waiter_ = nullptr; }

bool StandardInputOperation::start(detail::PromiseBase& waiter) noexcept {
    return input_.start_read(*this, waiter);
}

void StandardInputOperation::on_timer() noexcept {
    if (is_parked()) input_.expire(*this); // else it has ended in this turn already
}

bool StandardInput::start_read(StandardInputOperation& request,
                               detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(waiter_ == nullptr, "standard input is read by one task at a time");
    bool has_come = take(request);
    if (!has_come) {
        reader_->ask();
        has_come = take(request); // it may have come just now, or the thread cannot be had
    }
    if (has_come && !request.chunk_.empty()) return false; // not kept waiting with bytes in hand
    if (has_come) return detail::complete(request, waiter, request.error());
    waiter_ = &request;
    request.park_timed(*this, waiter);
    return true;
}

bool StandardInput::take(StandardInputOperation& request) noexcept {
    std::optional<InputReader::Item> item = reader_->take();
    if (!item) return false;
    request.chunk_ = std::move(item->chunk);
    request.set_error(item->error);
    return true;
}

// The bytes are in the operation only while it is being resumed: nothing can destroy it with them.
void StandardInput::on_input() noexcept {
    if (waiter_ == nullptr || !take(*waiter_)) return;
    StandardInputOperation& request = *std::exchange(waiter_, nullptr);
    request.finish_now(request.error());
}

// Input that is there beats a deadline that passed while the loop was busy.
void StandardInput::expire(StandardInputOperation& request) noexcept {
    waiter_ = nullptr;
    const bool has_come = take(request);
    request.finish_now(has_come ? request.error() : PackedError(Errc::deadline_expired));
}

} // namespace tidemill
