// Level-triggered Selector over WSAPoll, which is documented and does without the AFD device.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

[[nodiscard]] Result<std::unique_ptr<Selector>> make_wsapoll_selector();

} // namespace tidemill::detail
