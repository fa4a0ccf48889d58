// The server's setup, and TlsServerContext over it.

#include "tls/openssl_errors.hpp"
#include "tls/setup_common.hpp"
#include <array>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <tidemill/tls/tls_context.hpp>

namespace tidemill {
namespace detail {

namespace {

const TlsServerSetup& server_setup(SSL* ssl) noexcept {
    return static_cast<const TlsServerSetup&>(setup_of(SSL_get_SSL_CTX(ssl)));
}

// Acknowledges the name, so that a session is resumed under the name it was made for.
int accept_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

bool covers(const LoadedIdentity& identity, const char* server_name) noexcept {
    return X509_check_host(identity.certificate.get(), server_name, 0, 0, nullptr) == 1;
}

// Two certificates for one name, of keys of different kinds, are both on offer; of the same kind
// the first wins, since it is set last.
int choose_identity(SSL* ssl, void*) {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return 1;
    const auto& identities = server_setup(ssl).identities;
    bool is_cleared = false;
    for (auto identity = identities.rbegin(); identity != identities.rend(); ++identity) {
        if (!covers(*identity, name)) continue;
        if (!std::exchange(is_cleared, true)) SSL_certs_clear(ssl);
        if (SSL_use_cert_and_key(ssl, identity->certificate.get(), identity->key.get(),
                                 identity->chain.get(), 1) != 1)
            return 0;
    }
    return 1;
}

// Our order of preference decides. Nothing in common ends the handshake, as RFC 7301 wants it.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    const std::string& own = server_setup(ssl).alpn;
    unsigned char* found = nullptr;
    const int result = SSL_select_next_proto(
        &found, chosen_size, reinterpret_cast<const unsigned char*>(own.data()),
        static_cast<unsigned int>(own.size()), offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A ticket of TLS 1.3 is used once, so each resumption needs a new one.
int handle_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                  EVP_MAC_CTX* mac, int is_sealing) {
    constexpr int opened = 1;
    constexpr int opened_and_renew = 2;
    TicketKeys& keys = *server_setup(ssl).tickets;
    if (is_sealing != 0) return keys.seal(name, iv, cipher, mac);
    const int result = keys.open(name, iv, cipher, mac);
    return result == opened && SSL_version(ssl) == TLS1_3_VERSION ? opened_and_renew : result;
}

void set_up_resumption(SSL_CTX& context, const TlsServerOptions& options) noexcept {
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    if (options.session_tickets) {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, &handle_ticket);
        return;
    }
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(&context, 0);
}

// A session is resumed only where the same authorities are believed about its client: a reload
// that drops one must not let in, by a ticket, whom it had vouched for.
Result<void> bind_sessions(SSL_CTX& context, const TlsServerOptions& options,
                           const std::vector<Owned<X509>>& authorities) {
    std::string all = std::to_string(static_cast<int>(options.client_certificate));
    for (const Owned<X509>& authority : authorities) all += sha256_of(*authority);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
    if (SSL_CTX_set_session_id_context(&context, digest.data(), digest.size()) != 1)
        return setup_failure("session context");
    return {};
}

Result<void> set_up_clients(SSL_CTX& context, const TlsServerOptions& options) {
    if (options.client_certificate == ClientCertificate::none)
        return bind_sessions(context, options, {});
    auto authorities = apply_trust(context, options.client_trust);
    if (!authorities) return failure(std::move(authorities.error()));
    if (authorities->empty() && !options.client_trust.system_store)
        return failure(Error(Errc::tls_setup, "client certificates are asked for, but no "
                                              "authority is named that they may come from"));
    for (const Owned<X509>& authority : *authorities)
        if (SSL_CTX_add_client_CA(&context, authority.get()) != 1) throw std::bad_alloc();
    const bool is_required = options.client_certificate == ClientCertificate::required;
    SSL_CTX_set_verify(
        &context, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    return bind_sessions(context, options, *authorities);
}

Result<void> set_up_identities(TlsServerSetup& setup, const TlsServerOptions& options) {
    if (options.identities.empty())
        return failure(Error(Errc::tls_setup, "a server needs a certificate and a key"));
    for (const TlsIdentity& identity : options.identities) {
        auto loaded = load_identity(identity);
        if (!loaded) return failure(std::move(loaded.error()));
        setup.identities.push_back(std::move(*loaded));
    }
    // Each is tried, so that one which OpenSSL refuses is found now; the first one stays.
    for (auto identity = setup.identities.rbegin(); identity != setup.identities.rend(); ++identity)
        if (auto used = use_identity(*setup.context, *identity); !used) return used;
    if (setup.identities.size() > 1)
        SSL_CTX_set_cert_cb(setup.context.get(), &choose_identity, nullptr);
    return {};
}

} // namespace

Result<std::shared_ptr<TlsServerSetup>>
make_server_setup(const TlsServerOptions& options, const std::shared_ptr<TicketKeys>& tickets) {
    auto setup = std::make_shared<TlsServerSetup>();
    setup->tickets = tickets;
    if (auto begun = begin_setup(*setup, TLS_server_method(), options); !begun)
        return failure(std::move(begun.error()));
    SSL_CTX& context = *setup->context;
    // What the macro for it does, but for a cast that would be warned of.
    SSL_CTX_callback_ctrl(&context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(&accept_server_name));
    if (!setup->alpn.empty()) SSL_CTX_set_alpn_select_cb(&context, &choose_protocol, nullptr);
    set_up_resumption(context, options);
    if (auto done = set_up_identities(*setup, options); !done)
        return failure(std::move(done.error()));
    if (auto done = set_up_clients(context, options); !done)
        return failure(std::move(done.error()));
    return setup;
}

TlsServerState::TlsServerState(TlsServerOptions options)
    : options_(std::move(options)),
      tickets_(std::make_shared<TicketKeys>(options_.ticket_key_lifetime)) {}

Result<void> TlsServerState::load() {
    auto setup = make_server_setup(options_, tickets_);
    if (!setup) return failure(std::move(setup.error()));
    const std::lock_guard lock(mutex_);
    setup_ = std::move(*setup);
    return {};
}

std::shared_ptr<const TlsServerSetup> TlsServerState::setup() {
    const std::lock_guard lock(mutex_);
    return setup_;
}

} // namespace detail

TlsServerContext::TlsServerContext(std::shared_ptr<detail::TlsServerState> state) noexcept
    : state_(std::move(state)) {}

Result<TlsServerContext> TlsServerContext::from_files(std::string certificate_file,
                                                      std::string key_file,
                                                      TlsServerOptions options) {
    options.identities.insert(options.identities.begin(),
                              {std::move(certificate_file), std::move(key_file), nullptr});
    return make(std::move(options));
}

Result<TlsServerContext> TlsServerContext::make(TlsServerOptions options) {
    auto state = std::make_shared<detail::TlsServerState>(std::move(options));
    if (auto loaded = state->load(); !loaded) return failure(std::move(loaded.error()));
    return TlsServerContext(std::move(state));
}

Result<void> TlsServerContext::reload() const { return state_->load(); }

void TlsServerContext::rotate_ticket_keys() const { state_->tickets().rotate(); }

} // namespace tidemill
