// What tls_client was asked to do, and how it says what came of it.
#pragma once

#include <stdexcept>
#include <string>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/tls/tls_stream.hpp>

namespace tls_client {

struct Arguments {
    std::string host; ///< whom the certificate must name
    tidemill::Endpoint address;
    tidemill::TlsClientContext context;
};

/// Reads `HOST PORT [--ca FILE] [--insecure] [--alpn PROTOCOL]...`; HOST is an address or
/// localhost, since nothing here looks up names. Throws std::runtime_error with how it is to be
/// used, and what TLS cannot use.
[[nodiscard]] Arguments parse_arguments(int argc, const char* const* argv);

/// 2 refused, 3 reset, 4 timed out, 5 not trusted, 6 truncated, 7 the peer objects (an alert),
/// 1 anything else.
[[nodiscard]] int exit_status(const std::exception& error) noexcept;

} // namespace tls_client
