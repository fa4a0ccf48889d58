// The selector "uv": tidemill on every system that libuv knows. Part of tidemill::uv.
#pragma once

namespace tidemill::uv {

/// Makes the selector "uv" known to LoopOptions::selector and TIDEMILL_SELECTOR. Programs that link
/// the CMake target tidemill::uv have it already; this is for those that link the library in
/// another way. Calling it again changes nothing. Any thread.
void use() noexcept;

} // namespace tidemill::uv
