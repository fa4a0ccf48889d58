// Level-triggered Selector over select(2), which every system has; it watches few descriptors only.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

/// Fails with `Errc::selector_limit` if the process has so many descriptors open that not even the
/// waker gets one below FD_SETSIZE.
[[nodiscard]] Result<std::unique_ptr<Selector>> make_select_selector();

} // namespace tidemill::detail
