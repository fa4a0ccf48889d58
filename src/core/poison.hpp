// Marks memory that a pool owns but nobody leases, so that AddressSanitizer sees use after release.
//
// A pool hides use after free from the sanitizer, because the memory stays allocated. Every pool
// either poisons what is free, with these calls, or passes through to the allocator, for which it
// asks `address_sanitizer`. Without the sanitizer all of it compiles to nothing.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define TIDEMILL_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIDEMILL_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef TIDEMILL_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace tidemill::detail {

#ifdef TIDEMILL_ADDRESS_SANITIZER
inline constexpr bool address_sanitizer = true;
inline void poison(const std::byte* memory, std::size_t size_bytes) noexcept {
    __asan_poison_memory_region(memory, size_bytes);
}
inline void unpoison(const std::byte* memory, std::size_t size_bytes) noexcept {
    __asan_unpoison_memory_region(memory, size_bytes);
}
#else
inline constexpr bool address_sanitizer = false;
inline void poison(const std::byte*, std::size_t) noexcept {}
inline void unpoison(const std::byte*, std::size_t) noexcept {}
#endif

} // namespace tidemill::detail
