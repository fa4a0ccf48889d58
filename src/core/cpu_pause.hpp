// Tells the processor that this thread spins, so that it leaves the bus and its sibling in peace.
#pragma once

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define TIDEMILL_HAS_MM_PAUSE 1
#include <emmintrin.h>
#endif

namespace tidemill::detail {

/// Takes some tens of cycles on x86, and nothing elsewhere.
inline void cpu_pause() noexcept {
#ifdef TIDEMILL_HAS_MM_PAUSE
    _mm_pause();
#endif
}

} // namespace tidemill::detail
