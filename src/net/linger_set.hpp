// Streams that were closed while their peer had not ended: the loop sees them off.
//
// Closing a socket at once while the peer still sends makes the kernel answer with a reset, which
// throws away what the peer has not read yet. So our end is sent, what still comes is discarded,
// and the socket is closed when the peer has ended too, or when a limit says that it never will.
#pragma once

#include "core/loop_core.hpp"

namespace tidemill::detail {

/// A socket that changes hands, with its place in the loop.
struct Linger {
    NativeSocket socket;
    std::uint32_t slot;
    Interest interest;
};

class LingerSet final : public LoopExtension {
public:
    explicit LingerSet(LoopCore& loop) noexcept : loop_(loop) {}
    ~LingerSet() override { on_loop_gone(); }

    /// False if a limit refuses it or it cannot linger; then the caller aborts it.
    bool take(const Linger& linger) noexcept;
    /// Aborts whoever still lingers.
    void on_loop_gone() noexcept override;

private:
    class Member;
    void remove(Member& member) noexcept;

    LoopCore& loop_;
    Member* first_ = nullptr;
    std::size_t size_ = 0;
};

/// The set of this loop, made on first use; null if there is no memory for it.
[[nodiscard]] LingerSet* linger_set(LoopCore& loop) noexcept;

} // namespace tidemill::detail
