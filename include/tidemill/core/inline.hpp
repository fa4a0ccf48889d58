// For the few functions whose place in the machine code matters; where and why stands in
// src/net/tcp_read.cpp.
#pragma once

#if defined(__GNUC__)
#define TIDEMILL_INLINE [[gnu::always_inline]] inline
#define TIDEMILL_COLD [[gnu::cold]] [[gnu::noinline]]
#else
#define TIDEMILL_INLINE inline
#define TIDEMILL_COLD
#endif
