// Standard output for programs that pass bytes through.
#pragma once

namespace tidemill {

/// Makes what is written to `stdout` leave at once and as it is: without a buffer, and without the
/// line ends that the C library of Windows would put in. To be called before the first output.
void use_raw_standard_output() noexcept;

} // namespace tidemill
