// What a higher layer hangs on a loop, so that LoopCore need not know that layer.
#pragma once

#include <cstdint>

namespace tidemill::detail {

/// State that a higher layer keeps once per loop, made on first use.
class LoopExtension {
public:
    virtual ~LoopExtension() = default;
    /// Called before the loop's parts go, while they still work.
    virtual void on_loop_gone() noexcept = 0;
    virtual void on_descriptor_freed() noexcept {}
};
enum class ExtensionSlot : std::uint8_t {
    acknowledge,
    linger,
    descriptor_relief,
    blocking,
    tls,
    count_
};

} // namespace tidemill::detail
