// Misuse: how the library answers a call that breaks one of its rules.
//
// Daily events are values (see error.hpp). A broken rule is a bug in the calling program, and going
// on would hang or corrupt, so the process stops in release builds too and says which rule it was.
#pragma once

namespace tidemill::detail {

/// Prints `tidemill: misuse: <rule> (<file>:<line>)` on standard error and aborts.
[[noreturn]] void misuse(const char* rule, const char* file, int line) noexcept;

} // namespace tidemill::detail

/// Aborts unless `condition` holds; `rule` says as a sentence what the caller must keep to.
#define TIDEMILL_REQUIRE(condition, rule)                                                          \
    do {                                                                                           \
        if (!(condition)) [[unlikely]]                                                             \
            ::tidemill::detail::misuse((rule), __FILE__, __LINE__);                                \
    } while (false)
