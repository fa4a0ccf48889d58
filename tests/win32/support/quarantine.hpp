// Freed memory of one size is kept and marked, so that who writes to it later is found: the kernel
// too, of which no sanitizer knows.
#pragma once

#include <cstddef>

namespace tidemill::support {

/// Blocks of this size are kept when they are freed, from now on. Once only.
void quarantine_blocks_of(std::size_t size) noexcept;
/// How many blocks have been kept so far.
[[nodiscard]] std::size_t quarantined_blocks() noexcept;
/// How many of them somebody has written to.
[[nodiscard]] std::size_t touched_blocks() noexcept;

} // namespace tidemill::support
