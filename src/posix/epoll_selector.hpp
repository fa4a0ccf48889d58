// Level-triggered Selector over epoll(7): the kernel keeps the interest, so a turn costs one call
// whatever the number of sockets.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

[[nodiscard]] Result<std::unique_ptr<Selector>> make_epoll_selector();

} // namespace tidemill::detail
