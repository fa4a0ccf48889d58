// The names of the places where a coroutine can be suspended.
#pragma once

#include <tidemill/core/operation.hpp>

namespace tidemill::detail {

inline constexpr std::size_t suspension_point_count =
    static_cast<std::size_t>(SuspensionPoint::count_);

[[nodiscard]] const char* name_of(SuspensionPoint point) noexcept;

} // namespace tidemill::detail
