// Level-triggered Selector over select(), which every Windows has; it watches few sockets only.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

[[nodiscard]] Result<std::unique_ptr<Selector>> make_select_selector();

} // namespace tidemill::detail
