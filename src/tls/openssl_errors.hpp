// OpenSSL's error queue: one for each thread, shared by everything on it.
//
// An entry that somebody has left there turns the next WANT_READ into a fatal error, so the queue
// is cleared before each call whose result depends on it and emptied after each one that failed.
#pragma once

#include <string>

namespace tidemill::detail {

void forget_openssl_errors() noexcept;

/// Empties the queue: every entry with its reason, the first cause first, in one line. If there is
/// none, "OpenSSL gave no reason".
[[nodiscard]] std::string take_openssl_errors();

/// The reason of the newest entry, as ERR_GET_REASON has it; 0 if there is none.
[[nodiscard]] int newest_openssl_reason() noexcept;

} // namespace tidemill::detail
