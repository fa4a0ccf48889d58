// What the helper thread of StandardInput reads from: the platform's part.
#pragma once

#include "core/sockets.hpp"
#include <memory>
#include <span>
#include <tidemill/core/clock.hpp>

namespace tidemill::detail {

class InputHandle {
public:
    virtual ~InputHandle() = default;

    /// Called first on the helper thread: keeps the process's signals away from it.
    virtual void enter_thread() noexcept = 0;
    /// Waits for input if `for_input`, and in any case until interrupt() or for `at_most`
    /// (negative: without limit). True if a read would find something: bytes, the end, an error.
    virtual bool wait(bool for_input, Duration at_most) noexcept = 0;
    /// What is there, without waiting for more; 0 bytes is the end.
    virtual IoResult read(std::span<std::byte> into) noexcept = 0;
    /// Makes a wait() that runs, or else the next one, return. Any thread.
    virtual void interrupt() noexcept = 0;
};

[[nodiscard]] Result<std::unique_ptr<InputHandle>> standard_input_handle();
/// Reads from a descriptor, which is borrowed.
[[nodiscard]] Result<std::unique_ptr<InputHandle>> input_handle(NativeSocket descriptor);

} // namespace tidemill::detail
