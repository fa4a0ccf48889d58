// For the few functions whose place in the machine code matters; where and why stands in
// src/net/tcp_read.cpp.
#pragma once

#if defined(__GNUC__)
#define TIDEMILL_INLINE [[gnu::always_inline]] inline
#define TIDEMILL_COLD [[gnu::cold]] [[gnu::noinline]]
#define TIDEMILL_PREFETCH(address) __builtin_prefetch(address, 1)
#else
#define TIDEMILL_INLINE inline
#define TIDEMILL_COLD
#define TIDEMILL_PREFETCH(address) static_cast<void>(address)
#endif
