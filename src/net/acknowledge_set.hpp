// Who waits for acknowledgements: no system has an event for them, so the loop asks now and then.
//
// One timer for all. Each asks after 1 ms first, then half as often each time, down to once in a
// round trip or in 50 ms, whichever is longer.
#pragma once

#include "core/loop_core.hpp"
#include <tidemill/net/acknowledged.hpp>

namespace tidemill::detail {

class AcknowledgeSet final : public LoopExtension, public OperationOwner, private TimerNode {
public:
    explicit AcknowledgeSet(LoopCore& loop) noexcept : loop_(loop) {}
    ~AcknowledgeSet() override { on_loop_gone(); }

    void add(AcknowledgeOperation& operation, Deadline deadline) noexcept;
    /// Ends what waits for `stream` as cancelled.
    void cancel(const Stream& stream) noexcept;
    [[nodiscard]] bool watches(const Stream& stream) const noexcept;
    void abandon(Operation& operation) noexcept override;
    void on_loop_gone() noexcept override;

    /// The set of this loop, made on first use; null if there is no memory for it.
    [[nodiscard]] static AcknowledgeSet* of(LoopCore& loop) noexcept;
    /// The same, null if nobody has waited yet. `loop` may be null.
    [[nodiscard]] static AcknowledgeSet* existing(LoopCore* loop) noexcept {
        if (loop == nullptr) return nullptr;
        return static_cast<AcknowledgeSet*>(loop->extension(ExtensionSlot::acknowledge).get());
    }

private:
    void on_timer() noexcept override;
    void remove(AcknowledgeOperation& operation) noexcept;
    void arm() noexcept;

    LoopCore& loop_;
    AcknowledgeOperation* first_ = nullptr;
};

/// To be told before a stream is cancelled, closed or destroyed.
inline void cancel_acknowledgements(LoopCore* loop, const Stream& stream) noexcept {
    if (AcknowledgeSet* const set = AcknowledgeSet::existing(loop)) set->cancel(stream);
}

} // namespace tidemill::detail
