// One generation of a context's setup: what a connection keeps while a reload makes the next.
//
// OpenSSL's callbacks find it through the SSL_CTX; connections own it together, so it outlives the
// context that made it for as long as one of them needs it.
#pragma once

#include "tls/key_log.hpp"
#include "tls/openssl.hpp"
#include "tls/pem_files.hpp"
#include "tls/session_cache.hpp"
#include "tls/ticket_keys.hpp"
#include <memory>
#include <mutex>
#include <string>
#include <tidemill/tls/tls_options.hpp>
#include <vector>

namespace tidemill::detail {

struct TlsSetup {
    Owned<SSL_CTX> context;
    std::shared_ptr<KeyLog> key_log; ///< null: none is kept
    std::string alpn;                ///< in the form of the wire

    TlsSetup() = default;
    TlsSetup(const TlsSetup&) = delete;
    TlsSetup& operator=(const TlsSetup&) = delete;
};

struct TlsServerSetup : TlsSetup {
    std::vector<LoadedIdentity> identities;
    std::shared_ptr<TicketKeys> tickets;
};

struct TlsClientSetup : TlsSetup {
    std::vector<std::string> pins;
    bool verify = true;
    std::shared_ptr<SessionCache> sessions;
};

[[nodiscard]] Result<std::shared_ptr<TlsServerSetup>>
make_server_setup(const TlsServerOptions& options, const std::shared_ptr<TicketKeys>& tickets);
[[nodiscard]] Result<std::shared_ptr<TlsClientSetup>>
make_client_setup(const TlsClientOptions& options, const std::shared_ptr<SessionCache>& sessions);

/// What TlsServerContext shares.
class TlsServerState {
public:
    explicit TlsServerState(TlsServerOptions options);
    [[nodiscard]] Result<void> load();
    [[nodiscard]] std::shared_ptr<const TlsServerSetup> setup();
    [[nodiscard]] TicketKeys& tickets() noexcept { return *tickets_; }

private:
    const TlsServerOptions options_;
    const std::shared_ptr<TicketKeys> tickets_;
    std::mutex mutex_;
    std::shared_ptr<const TlsServerSetup> setup_;
};

/// What TlsClientContext shares.
class TlsClientState {
public:
    explicit TlsClientState(TlsClientOptions options);
    [[nodiscard]] Result<void> load();
    [[nodiscard]] std::shared_ptr<const TlsClientSetup> setup();

private:
    const TlsClientOptions options_;
    std::mutex mutex_;
    std::shared_ptr<const TlsClientSetup> setup_;
};

} // namespace tidemill::detail
