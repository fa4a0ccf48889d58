// Tells the tests whether they run under a sanitizer, where some measurements mean nothing.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define TIDEMILL_UNDER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIDEMILL_UNDER_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define TIDEMILL_UNDER_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TIDEMILL_UNDER_THREAD_SANITIZER 1
#endif
#endif

namespace tidemill::support {

#ifdef TIDEMILL_UNDER_ADDRESS_SANITIZER
inline constexpr bool under_address_sanitizer = true;
#else
inline constexpr bool under_address_sanitizer = false;
#endif

#ifdef TIDEMILL_UNDER_THREAD_SANITIZER
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

inline constexpr bool under_sanitizer = under_address_sanitizer || under_thread_sanitizer;

} // namespace tidemill::support
