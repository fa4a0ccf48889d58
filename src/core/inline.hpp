// For the few functions that must not be left as calls; where and why stands in tcp_transfer.cpp.
#pragma once

#if defined(__GNUC__)
#define TIDEMILL_INLINE [[gnu::always_inline]] inline
#else
#define TIDEMILL_INLINE inline
#endif
