#include "tls/openssl_errors.hpp"
#include "tls/tls_session.hpp"
#include <openssl/pem.h>
#include <tidemill/core/require.hpp>
#include <tidemill/tls/tls_engine.hpp>

namespace tidemill {

using detail::TlsSession;

TlsEngine::TlsEngine(const TlsServerContext& context)
    : session_(std::make_unique<TlsSession>(context.state()->setup())) {
    SSL_set_accept_state(session_->ssl.get());
}

TlsEngine::TlsEngine(const TlsClientContext& context, std::string_view server_name)
    : session_(std::make_unique<TlsSession>(context.state()->setup())) {
    session_->expect_server(server_name);
}

TlsEngine::TlsEngine(TlsEngine&& other) noexcept = default;
TlsEngine& TlsEngine::operator=(TlsEngine&& other) noexcept = default;
TlsEngine::~TlsEngine() = default;

void TlsEngine::set_input(std::span<const std::byte> input) noexcept {
    session_->bio.input = input;
}

std::span<const std::byte> TlsEngine::unread_input() const noexcept { return session_->bio.input; }

void TlsEngine::end_input() noexcept { session_->input_has_ended = true; }

void TlsEngine::set_output(Output& output) noexcept { session_->bio.output = &output; }

TlsNext TlsEngine::handshake() noexcept {
    TlsSession& session = *session_;
    if (session.failure) return TlsNext::failed;
    const std::size_t before = session.begin();
    detail::forget_openssl_errors(); // or they would be told as reasons, should it fail
    const int result = SSL_do_handshake(session.ssl.get());
    if (result == 1) session.is_handshake_complete = true;
    return session.conclude(result, before);
}

TlsNext TlsEngine::read(std::span<std::byte> into, std::size_t& count) noexcept {
    TlsSession& session = *session_;
    TIDEMILL_REQUIRE(!into.empty(), "an engine does not read into an empty span");
    count = 0;
    if (session.failure) return TlsNext::failed;
    if (session.received_close_notify) return TlsNext::nothing;
    SSL* const ssl = session.ssl.get();
    const std::size_t before = session.begin();
    session.adapt_to_input();
    session.has_more = true;
    int result = 1;
    while (count < into.size()) {
        std::size_t got = 0;
        result = SSL_read_ex(ssl, into.data() + count, into.size() - count, &got);
        count += got;
        // The second part saves the call that would only say that nothing more has come.
        session.has_more = result == 1 && (!session.bio.input.empty() || SSL_has_pending(ssl) != 0);
        if (!session.has_more) break;
    }
    session.earn_key_updates(count);
    if (result == 1) return session.done(before);
    const TlsNext next = session.conclude(result, before);
    if (count == 0) return next;
    return session.done(before); // what has ended the loop is told by the next step
}

TlsNext TlsEngine::write(std::span<const std::byte> plain) noexcept {
    TlsSession& session = *session_;
    TIDEMILL_REQUIRE(plain.size() <= largest_write_bytes, "an engine writes one record at a time");
    TIDEMILL_REQUIRE(!session.sent_close_notify, "nothing is written after the end");
    if (session.failure) return TlsNext::failed;
    TIDEMILL_REQUIRE(is_handshake_complete(), "nothing is written before the handshake");
    const std::size_t before = session.begin();
    if (plain.empty()) return TlsNext::nothing;
    std::size_t count = 0;
    const int result = SSL_write_ex(session.ssl.get(), plain.data(), plain.size(), &count);
    if (result == 1) return session.done(before);
    const TlsNext next = session.conclude(result, before);
    if (next == TlsNext::failed) return next;
    return session.fail(Error(Errc::tls_failed, "OpenSSL has not taken what was written"));
}

TlsNext TlsEngine::shutdown() noexcept {
    TlsSession& session = *session_;
    if (session.failure) return TlsNext::failed;
    if (session.sent_close_notify) return TlsNext::nothing;
    const std::size_t before = session.begin();
    // Inside a handshake there is no end to announce: whoever sees the transport end knows.
    if (is_handshake_complete()) static_cast<void>(SSL_shutdown(session.ssl.get()));
    detail::forget_openssl_errors();
    session.sent_close_notify = true;
    session.bio.drops_output = true;
    return session.done(before);
}

void TlsEngine::keep_buffers(bool keeps) noexcept {
    SSL* const ssl = session_->ssl.get();
    if (keeps) {
        SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
        return;
    }
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    static_cast<void>(SSL_free_buffers(ssl)); // in the middle of a record: at its end then
}

bool TlsEngine::is_handshake_complete() const noexcept { return session_->is_handshake_complete; }

bool TlsEngine::received_close_notify() const noexcept { return session_->received_close_notify; }

bool TlsEngine::sent_close_notify() const noexcept { return session_->sent_close_notify; }

bool TlsEngine::has_more() const noexcept { return session_->has_more; }

bool TlsEngine::is_at_record_boundary() const noexcept {
    return session_->bio.records.is_at_boundary();
}

bool TlsEngine::has_failed() const noexcept { return session_->failure.has_value(); }

const Error& TlsEngine::failure() const noexcept {
    TIDEMILL_REQUIRE(session_->failure.has_value(), "only a step that failed has a failure");
    return *session_->failure;
}

// What the handshake has brought to light

namespace {

std::string to_pem(X509& certificate) {
    const detail::Owned<BIO> bio(BIO_new(BIO_s_mem()));
    if (bio == nullptr || PEM_write_bio_X509(bio.get(), &certificate) != 1) throw std::bad_alloc();
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

TlsCertificate describe(X509& certificate) {
    return {detail::to_text(X509_get_subject_name(&certificate)),
            detail::to_text(X509_get_issuer_name(&certificate)), detail::sha256_of(certificate),
            to_pem(certificate)};
}

// A server's list leaves out the client's own certificate, a client's begins with the server's.
std::vector<TlsCertificate> describe_chain(const SSL* ssl) {
    std::vector<TlsCertificate> all;
    X509* const own = SSL_get0_peer_certificate(ssl);
    if (own == nullptr) return all;
    all.push_back(describe(*own));
    STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl);
    const int size = chain == nullptr ? 0 : sk_X509_num(chain);
    for (int i = SSL_is_server(ssl) != 0 ? 0 : 1; i < size; ++i)
        all.push_back(describe(*sk_X509_value(chain, i)));
    return all;
}

} // namespace

TlsPeerInfo TlsEngine::peer_info() const {
    const SSL* const ssl = session_->ssl.get();
    TlsPeerInfo info;
    info.version = SSL_get_version(ssl);
    info.cipher = SSL_get_cipher_name(ssl);
    const unsigned char* alpn = nullptr;
    unsigned int alpn_size = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
    info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) info.server_name = name;
    info.certificates = describe_chain(ssl);
    info.resumed = SSL_session_reused(ssl) != 0;
    return info;
}

} // namespace tidemill
