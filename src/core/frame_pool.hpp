// The private view of the frame pool, for counters and tests.
#pragma once

#include <cstddef>
#include <tidemill/core/frame_pool.hpp>

namespace tidemill::detail {

inline constexpr std::size_t frame_class_bytes = 16;
inline constexpr std::size_t frame_class_offset_bytes = 8;
inline constexpr std::size_t largest_pooled_frame_bytes = 2048;
inline constexpr std::size_t frame_pool_limit_bytes = std::size_t{1} << 20;

/// What the calling thread keeps for reuse; never more than `frame_pool_limit_bytes`.
[[nodiscard]] std::size_t pooled_frame_bytes() noexcept;

} // namespace tidemill::detail
