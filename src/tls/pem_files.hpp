// Certificates and keys from PEM sources, with errors that name the source.
#pragma once

#include "tls/openssl.hpp"
#include <string>
#include <tidemill/core/error.hpp>
#include <tidemill/tls/tls_options.hpp>
#include <vector>

namespace tidemill::detail {

/// An own certificate, what leads to its root, and the key that belongs to it.
struct LoadedIdentity {
    Owned<X509> certificate;
    Owned<STACK_OF(X509)> chain;
    Owned<EVP_PKEY> key;
    std::string name; ///< of the certificate's source
};

/// Checks that the certificate is valid now and that the key belongs to it.
[[nodiscard]] Result<LoadedIdentity> load_identity(const TlsIdentity& identity);

/// At least one.
[[nodiscard]] Result<std::vector<Owned<X509>>> load_certificates(const PemSource& source);

/// As "CN = example.org, O = Example".
[[nodiscard]] std::string to_text(const X509_NAME* name);

/// Hexadecimal digits in lower case.
[[nodiscard]] std::string sha256_of(const X509& certificate);

} // namespace tidemill::detail
