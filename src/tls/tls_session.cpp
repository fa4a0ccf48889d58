#include "tls/tls_session.hpp"
#include "tls/openssl_errors.hpp"
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>

namespace tidemill::detail {

TlsSession::TlsSession(std::shared_ptr<const TlsSetup> shared_setup)
    : setup(std::move(shared_setup)), ssl(SSL_new(setup->context.get())) {
    if (ssl == nullptr || SSL_set_app_data(ssl.get(), this) != 1) throw std::bad_alloc();
    BIO* const both = make_bio(bio).release();
    SSL_set_bio(ssl.get(), both, both);
}

// A connection that is freed without its end would take the session along that it was to leave for
// the next one. That the end is missing is the stream's matter; the secrets are as good as before.
TlsSession::~TlsSession() {
    const bool has_failed = failure && *failure != Errc::truncated;
    if (!has_failed) SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsSession& TlsSession::of(const SSL* ssl) noexcept {
    return *static_cast<TlsSession*>(SSL_get_app_data(ssl));
}

void TlsSession::expect_server(std::string_view name) {
    SSL_set_connect_state(ssl.get());
    if (name.ends_with('.')) name.remove_suffix(1); // a certificate never has the root's dot
    server_name = name;
    const auto& client = static_cast<const TlsClientSetup&>(*setup);
    const bool is_text = name.find('\0') == std::string_view::npos;
    const bool is_checked = client.verify && client.pins.empty();
    forget_openssl_errors();
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool is_usable = is_text && !(is_checked && name.empty());
    const bool is_address =
        is_usable && X509_VERIFY_PARAM_set1_ip_asc(rules, server_name.c_str()) == 1;
    if (is_usable && !is_address && !name.empty())
        is_usable = X509_VERIFY_PARAM_set1_host(rules, server_name.c_str(), 0) == 1 &&
                    SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                             server_name.data()) == 1;
    if (!is_usable) {
        fail(Error(Errc::tls_setup, "'" + server_name + "' is no name of a server"));
        return;
    }
    if (const auto session = client.sessions->take(server_name); session != nullptr)
        SSL_set_session(ssl.get(), session.get());
}

TlsNext TlsSession::fail(Error error) noexcept {
    if (!failure) failure = std::move(error);
    return TlsNext::failed;
}

// Small input is taken in one piece, which saves a call for each record. Large input is not: what
// is left of it would be moved to the front of OpenSSL's buffer again and again.
void TlsSession::adapt_to_input() noexcept {
    const bool is_small = bio.input.size() <= TlsEngine::largest_write_bytes;
    if (is_small == reads_ahead) return;
    reads_ahead = is_small;
    SSL_set_read_ahead(ssl.get(), is_small ? 1 : 0);
}

void TlsSession::earn_key_updates(std::size_t plain_bytes) noexcept {
    constexpr std::size_t bytes_per_key_update = 64 * 1024;
    plain_bytes_since_key_update += plain_bytes;
    if (plain_bytes_since_key_update < bytes_per_key_update) return;
    plain_bytes_since_key_update = 0;
    if (key_updates_left < most_key_updates) ++key_updates_left;
}

// Not by SSL_get_error(): that looks into the thread's queue of errors first, where anything may
// stand that somebody else has left. To empty it before each step would cost a fiftieth of a small
// message. What the BIO and the alerts say cannot be wrong: without input nothing else can be
// missing, since the BIO takes all output.
TlsNext TlsSession::conclude(int result, std::size_t output_before) noexcept {
    if (result == 1) return done(output_before);
    try {
        if (is_over_limit)
            return fail(Error(Errc::limit_reached, "the peer changes its keys all the time"));
        if (!bio.is_starved) {
            if (!has_close_notify || !is_handshake_complete) return fail(explain());
            received_close_notify = true;
            return done(output_before);
        }
        if (bio.output->size() > output_before) return TlsNext::have_output_then_again;
        if (!input_has_ended) return TlsNext::want_input;
        return fail(is_handshake_complete ? Error(Errc::truncated)
                                          : Error(Errc::truncated, "during the handshake"));
    } catch (const std::bad_alloc&) {
        return fail(std::errc::not_enough_memory);
    }
}

namespace {

// OpenSSL 3.0 has no names for the younger ones.
const char* alert_name(int alert) noexcept {
    switch (alert) {
    case SSL_AD_MISSING_EXTENSION: return "missing extension";
    case SSL_AD_CERTIFICATE_REQUIRED: return "certificate required";
    case SSL_AD_NO_APPLICATION_PROTOCOL: return "no application protocol";
    default: return SSL_alert_desc_string_long(alert);
    }
}

} // namespace

std::string TlsSession::alerts() const {
    std::string text;
    const auto add = [&](const char* who, int alert) {
        if (alert == no_alert) return;
        text +=
            std::string(who) + " alert " + std::to_string(alert) + " '" + alert_name(alert) + "', ";
    };
    add("received", received_alert);
    add("sent", sent_alert);
    return text;
}

Error TlsSession::explain() {
    if (bio.lacked_memory) return std::errc::not_enough_memory;
    if (has_close_notify) return {Errc::truncated, "the peer closed during the handshake"};
    const int reason = newest_openssl_reason();
    const std::string all = alerts() + take_openssl_errors();
    if (received_alert != no_alert) return {Errc::tls_alert, all};
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return {Errc::not_trusted, all};
    if (!objection.empty()) return {Errc::not_trusted, objection + ", " + all};
    return {Errc::tls_failed, all};
}

} // namespace tidemill::detail
