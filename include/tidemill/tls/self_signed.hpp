// A certificate that proves nothing, for a server that is only tried out.
#pragma once

#include <string>
#include <tidemill/core/error.hpp>
#include <tidemill/tls/tls_options.hpp>
#include <vector>

namespace tidemill {

/// Makes a key and a certificate that is signed with it, for these names and addresses, valid from
/// yesterday for 30 days. No client trusts it unless it is told to, for example by a pin.
///
/// Errors: `Errc::tls_setup`. Throws std::bad_alloc.
[[nodiscard]] Result<TlsIdentity> make_self_signed_identity(
    const std::vector<std::string>& names = {"localhost", "127.0.0.1", "::1"});

} // namespace tidemill
