// Level-triggered Selector over poll(2), for systems without epoll and as a second opinion in
// tests.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

[[nodiscard]] Result<std::unique_ptr<Selector>> make_poll_selector();

} // namespace tidemill::detail
