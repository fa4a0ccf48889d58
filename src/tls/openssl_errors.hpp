// OpenSSL's error queue: one for each thread, shared by everything on it.
//
// Anybody may have left something there. No result depends on it (TlsSession::conclude()); it is
// emptied before what may well fail, so that the reasons are its own, and after what has failed.
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
