// How a selector is chosen, for the test that refuses the best one.
#pragma once

#include "core/selector.hpp"
#include <span>

namespace tidemill::detail {

struct SelectorMaker {
    std::string_view name;
    Result<std::unique_ptr<Selector>> (*make)();
};

/// The first that can be made. The selector tells how many before it could not.
[[nodiscard]] Result<std::unique_ptr<Selector>>
best_that_works(std::span<const SelectorMaker> makers);

} // namespace tidemill::detail
