#include "net/acknowledge_set.hpp"
#include "core/completion.hpp"
#include <algorithm>
#include <new>
#include <tidemill/net/stream.hpp>

namespace tidemill {
namespace detail {

namespace {

constexpr std::int64_t first_interval_ns = 1'000'000;
constexpr std::int64_t longest_interval_ns = 50'000'000;
constexpr Duration default_limit = std::chrono::seconds(5);

} // namespace

AcknowledgeSet* AcknowledgeSet::of(LoopCore& loop) noexcept {
    auto& extension = loop.extension(ExtensionSlot::acknowledge);
    if (extension == nullptr) extension.reset(new (std::nothrow) AcknowledgeSet(loop));
    return static_cast<AcknowledgeSet*>(extension.get());
}

void AcknowledgeSet::add(AcknowledgeOperation& operation, Deadline deadline) noexcept {
    const Deadline limit = deadline.is_default() ? within(default_limit) : deadline;
    operation.expires_ns = loop_.moment_after(limit.timeout_ns());
    operation.interval_ns = first_interval_ns;
    operation.next_look_ns = std::min(loop_.moment_after(first_interval_ns), operation.expires_ns);
    operation.previous = nullptr;
    operation.next = first_;
    if (first_ != nullptr) first_->previous = &operation;
    first_ = &operation;
    arm();
}

void AcknowledgeSet::remove(AcknowledgeOperation& operation) noexcept {
    (operation.previous == nullptr ? first_ : operation.previous->next) = operation.next;
    if (operation.next != nullptr) operation.next->previous = operation.previous;
    if (first_ == nullptr && armed()) loop_.wheel().cancel(*this);
}

void AcknowledgeSet::abandon(Operation& operation) noexcept {
    remove(static_cast<AcknowledgeOperation&>(operation));
}

void AcknowledgeSet::cancel(const Stream& stream) noexcept {
    for (AcknowledgeOperation* each = first_; each != nullptr;) {
        AcknowledgeOperation& operation = *std::exchange(each, each->next);
        if (&operation.stream() == &stream) operation.try_cancel();
    }
}

bool AcknowledgeSet::watches(const Stream& stream) const noexcept {
    const AcknowledgeOperation* each = first_;
    while (each != nullptr && &each->stream() != &stream) each = each->next;
    return each != nullptr;
}

// Nobody is resumed in here, so the list changes by our own hands only.
void AcknowledgeSet::on_timer() noexcept {
    const std::int64_t now = loop_.now_ns();
    for (AcknowledgeOperation* each = first_; each != nullptr;) {
        AcknowledgeOperation& operation = *std::exchange(each, each->next);
        if (operation.next_look_ns > now) continue;
        if (operation.look() || operation.expires_ns <= now) {
            remove(operation);
            operation.finish_later(operation.error());
            continue;
        }
        const std::int64_t longest = std::max(operation.round_trip_ns(), longest_interval_ns);
        operation.interval_ns = std::min(2 * operation.interval_ns, longest);
        operation.next_look_ns =
            std::min(loop_.moment_after(operation.interval_ns), operation.expires_ns);
    }
    arm();
}

void AcknowledgeSet::arm() noexcept {
    if (first_ == nullptr) return;
    std::int64_t soonest = first_->next_look_ns;
    for (const AcknowledgeOperation* each = first_; each != nullptr; each = each->next)
        soonest = std::min(soonest, each->next_look_ns);
    if (!armed() || soonest < fires_at()) loop_.wheel().arm(*this, soonest);
}

void AcknowledgeSet::on_loop_gone() noexcept {
    while (first_ != nullptr) std::exchange(first_, first_->next)->forget();
    if (armed()) loop_.wheel().cancel(*this);
}

} // namespace detail

using detail::AcknowledgeSet;
using detail::PackedError;

// True if there is nothing more to wait for.
bool AcknowledgeOperation::look() noexcept {
    seen_ = stream_.unacknowledged();
    if (seen_.error) set_error(seen_.error);
    return seen_.error || seen_.is_over || seen_.bytes == 0;
}

bool AcknowledgeOperation::start(detail::PromiseBase& waiter) noexcept {
    const Deadline limit = deadline();
    const bool is_due = !limit.is_default() && limit.timeout_ns() == 0;
    if (look() || is_due) return detail::complete(*this, waiter, error());
    AcknowledgeSet* const set = AcknowledgeSet::of(*waiter.loop());
    if (set == nullptr) return detail::complete(*this, waiter, std::errc::not_enough_memory);
    set->add(*this, limit);
    park(*set, waiter);
    return true;
}

Result<Acknowledgement> AcknowledgeOperation::await_resume() const {
    if (error()) return failure(error().code());
    using How = Acknowledgement::State;
    if (seen_.bytes == 0) return Acknowledgement{How::acknowledged, 0};
    return Acknowledgement{seen_.is_over ? How::lost : How::outstanding, seen_.bytes};
}

} // namespace tidemill
