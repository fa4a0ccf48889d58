// The operating system's own socket handle; the only place outside src/posix and src/win32 that
// asks which system this is.
#pragma once

#include <cstdint>

namespace tidemill {

#ifdef _WIN32
using NativeSocket = std::uintptr_t;
inline constexpr NativeSocket invalid_socket = ~NativeSocket{0};
#else
using NativeSocket = int;
inline constexpr NativeSocket invalid_socket = -1;
#endif

} // namespace tidemill
