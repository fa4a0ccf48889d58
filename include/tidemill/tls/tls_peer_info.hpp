// TlsPeerInfo: what a handshake has brought to light.
#pragma once

#include <string>
#include <vector>

namespace tidemill {

struct TlsCertificate {
    std::string subject; ///< as "CN = example.org, O = Example"
    std::string issuer;
    std::string sha256; ///< hexadecimal, as TlsClientOptions::pinned_certificates takes it
    std::string pem;
};

struct TlsPeerInfo {
    std::string version; ///< "TLSv1.3"
    std::string cipher;
    std::string alpn;        ///< empty: none was agreed on
    std::string server_name; ///< that the client asked for; empty: it named none
    /// What the peer has shown, its own certificate first; empty: none. Whether it was verified is
    /// a matter of the context's options.
    std::vector<TlsCertificate> certificates;
    bool resumed = false; ///< by a ticket, without certificates being shown again
};

} // namespace tidemill
