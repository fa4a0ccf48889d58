// The parts that the setups of both sides are made of.
#pragma once

#include "tls/tls_setup.hpp"

namespace tidemill::detail {

/// Makes the SSL_CTX and sets versions, suites, modes, ALPN, key log and the callbacks that every
/// connection has.
[[nodiscard]] Result<void> begin_setup(TlsSetup& setup, const SSL_METHOD* method,
                                       const TlsCommonOptions& options);

/// What begin_setup() was given for this context.
[[nodiscard]] const TlsSetup& setup_of(const SSL_CTX* context) noexcept;

/// Shows this identity to peers.
[[nodiscard]] Result<void> use_identity(SSL_CTX& context, const LoadedIdentity& identity);

/// Believes whom `trust` names; gives the authorities that it has loaded from sources.
[[nodiscard]] Result<std::vector<Owned<X509>>> apply_trust(SSL_CTX& context, const TlsTrust& trust);

/// Errc::tls_setup with what OpenSSL says.
[[nodiscard]] tl::unexpected<Error> setup_failure(const std::string& what);

} // namespace tidemill::detail
