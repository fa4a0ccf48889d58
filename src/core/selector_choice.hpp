// How a selector is chosen: by name, or the best that can be made.
#pragma once

#include "core/selector.hpp"
#include <span>

namespace tidemill::detail {

struct SelectorMaker {
    std::string_view name;
    Result<std::unique_ptr<Selector>> (*make)();
};

/// Those of this platform, the best first; never none. The platform's part.
[[nodiscard]] std::span<const SelectorMaker> platform_selectors() noexcept;

/// The first of `makers` that can be made. The selector tells how many before it could not.
[[nodiscard]] Result<std::unique_ptr<Selector>>
best_that_works(std::span<const SelectorMaker> makers);

} // namespace tidemill::detail
