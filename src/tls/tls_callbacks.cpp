// What OpenSSL tells while it works: alerts, messages, certificates to judge.

#include "tls/tls_session.hpp"
#include <algorithm>

namespace tidemill::detail {

namespace {

void on_info(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_ALERT) == 0) return;
    TlsSession& session = TlsSession::of(ssl);
    const bool is_received = (where & SSL_CB_READ) != 0;
    const bool is_fatal = value >> 8 == SSL3_AL_FATAL;
    const int alert = value & 0xff;
    // In TLS 1.3 the level of an alert means nothing.
    const bool is_end = is_received && alert == SSL_AD_CLOSE_NOTIFY &&
                        (!is_fatal || SSL_version(ssl) >= TLS1_3_VERSION);
    if (is_end)
        session.has_close_notify = true;
    else if (is_fatal)
        (is_received ? session.received_alert : session.sent_alert) = alert;
}

// Each key update makes both sides derive keys and answer, and OpenSSL takes any number of them.
void on_message(int is_sent, int, int type, const void* data, std::size_t size, SSL* ssl, void*) {
    if (is_sent != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
    if (*static_cast<const unsigned char*>(data) != SSL3_MT_KEY_UPDATE) return;
    TlsSession& session = TlsSession::of(ssl);
    if (session.key_updates_left > 0) {
        --session.key_updates_left;
        return;
    }
    session.is_over_limit = true;
    session.bio.holds_input = true; // leaves the loop inside SSL_read
}

bool is_pinned(const TlsClientSetup& setup, X509_STORE_CTX* verification) {
    const X509* const own = X509_STORE_CTX_get0_cert(verification);
    if (own == nullptr) return false;
    const std::string digest = sha256_of(*own);
    return std::find(setup.pins.begin(), setup.pins.end(), digest) != setup.pins.end();
}

std::string describe_objection(X509_STORE_CTX* verification, const std::string& server_name) {
    const int error = X509_STORE_CTX_get_error(verification);
    const X509* culprit = X509_STORE_CTX_get_current_cert(verification);
    if (culprit == nullptr) culprit = X509_STORE_CTX_get0_cert(verification);
    std::string text = "certificate";
    if (culprit != nullptr) text += " of " + to_text(X509_get_subject_name(culprit));
    text += std::string(": ") + X509_verify_cert_error_string(error);
    const bool is_about_name =
        error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    if (is_about_name) text += " (wanted: " + server_name + ")";
    return text;
}

int judge(TlsSession& session, X509_STORE_CTX* verification) {
    const bool is_client = SSL_is_server(session.ssl.get()) == 0;
    const auto* const client =
        is_client ? &static_cast<const TlsClientSetup&>(*session.setup) : nullptr;
    if (client != nullptr && !client->pins.empty()) {
        if (is_pinned(*client, verification)) {
            X509_STORE_CTX_set_error(verification, X509_V_OK);
            return 1;
        }
        X509_STORE_CTX_set_error(verification, X509_V_ERR_CERT_REJECTED);
        session.objection = "the certificate is none of the pinned ones";
        return 0;
    }
    const int verdict = X509_verify_cert(verification);
    if (verdict > 0) return verdict;
    if (client != nullptr && !client->verify) return 1;
    session.objection = describe_objection(verification, session.server_name);
    return 0;
}

int on_certificate(X509_STORE_CTX* verification, void*) {
    const auto* const ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    try {
        return judge(TlsSession::of(ssl), verification);
    } catch (...) { // no memory; it must not pass through OpenSSL
        X509_STORE_CTX_set_error(verification, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
}

} // namespace

void watch_connections(SSL_CTX& context) noexcept {
    SSL_CTX_set_info_callback(&context, &on_info);
    SSL_CTX_set_msg_callback(&context, &on_message);
    SSL_CTX_set_cert_verify_callback(&context, &on_certificate, nullptr);
}

} // namespace tidemill::detail
