// Selector over a libuv loop of its own, for systems that tidemill has no selector for.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

[[nodiscard]] Result<std::unique_ptr<Selector>> make_uv_selector();

} // namespace tidemill::detail
