// The options of sockets, as this system names them.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

struct OptionName {
    int level;
    int name;
};

/// -1 for one that this system has not, or that takes more than a number.
[[nodiscard]] OptionName native_option(SocketOption option) noexcept;

} // namespace tidemill::detail
