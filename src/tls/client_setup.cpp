// The client's setup, and TlsClientContext over it.

#include "tls/setup_common.hpp"
#include "tls/tls_session.hpp"
#include <algorithm>
#include <tidemill/tls/tls_context.hpp>

namespace tidemill {
namespace detail {

namespace {

constexpr std::size_t sha256_digits = 64;

Result<std::string> normalised_pin(const std::string& pin) {
    std::string digits;
    for (const char c : pin) {
        if (c == ':') continue;
        const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool is_digit = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f');
        if (!is_digit || digits.size() == sha256_digits) digits.clear();
        if (!is_digit) break;
        digits += lower;
    }
    if (digits.size() != sha256_digits)
        return failure(Error(Errc::tls_setup, "pinned certificate '" + pin +
                                                  "': SHA-256 in hexadecimal has 64 digits"));
    return digits;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    TlsSession& connection = TlsSession::of(ssl);
    const auto& setup = static_cast<const TlsClientSetup&>(*connection.setup);
    Owned<SSL_SESSION> owned(session);
    try {
        setup.sessions->put(connection.server_name, std::move(owned));
    } catch (...) {
        // No memory: a session less to resume. It must not pass through OpenSSL.
    }
    return 1; // taken over, kept or not
}

Result<void> set_up_trust(TlsClientSetup& setup, const TlsClientOptions& options) {
    for (const std::string& pin : options.pinned_certificates) {
        auto digits = normalised_pin(pin);
        if (!digits) return failure(std::move(digits.error()));
        setup.pins.push_back(std::move(*digits));
    }
    setup.verify = options.verify || !setup.pins.empty();
    SSL_CTX_set_verify(setup.context.get(), setup.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       nullptr);
    const auto authorities = apply_trust(*setup.context, options.trust);
    if (!authorities) return failure(authorities.error());
    return {};
}

Result<void> set_up_identity(SSL_CTX& context, const TlsClientOptions& options) {
    if (!options.identity) return {};
    const auto loaded = load_identity(*options.identity);
    if (!loaded) return failure(loaded.error());
    return use_identity(context, *loaded);
}

void set_up_resumption(SSL_CTX& context, const TlsClientOptions& options) noexcept {
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    if (!options.resume_sessions) return;
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(&context, &keep_session);
}

} // namespace

Result<std::shared_ptr<TlsClientSetup>>
make_client_setup(const TlsClientOptions& options, const std::shared_ptr<SessionCache>& sessions) {
    auto setup = std::make_shared<TlsClientSetup>();
    setup->sessions = sessions;
    if (auto begun = begin_setup(*setup, TLS_client_method(), options); !begun)
        return failure(std::move(begun.error()));
    SSL_CTX& context = *setup->context;
    set_up_resumption(context, options);
    const auto* const alpn = reinterpret_cast<const unsigned char*>(setup->alpn.data());
    const auto alpn_size = static_cast<unsigned int>(setup->alpn.size());
    // Zero means success here, unlike in every other call.
    if (alpn_size > 0 && SSL_CTX_set_alpn_protos(&context, alpn, alpn_size) != 0)
        return setup_failure("ALPN names");
    if (auto done = set_up_trust(*setup, options); !done) return failure(std::move(done.error()));
    if (auto done = set_up_identity(context, options); !done)
        return failure(std::move(done.error()));
    return setup;
}

TlsClientState::TlsClientState(TlsClientOptions options) : options_(std::move(options)) {}

Result<void> TlsClientState::load() {
    auto setup =
        make_client_setup(options_, std::make_shared<SessionCache>(options_.remembered_sessions));
    if (!setup) return failure(std::move(setup.error()));
    const std::lock_guard lock(mutex_);
    setup_ = std::move(*setup);
    return {};
}

std::shared_ptr<const TlsClientSetup> TlsClientState::setup() {
    const std::lock_guard lock(mutex_);
    return setup_;
}

} // namespace detail

TlsClientContext::TlsClientContext(std::shared_ptr<detail::TlsClientState> state) noexcept
    : state_(std::move(state)) {}

Result<TlsClientContext> TlsClientContext::make(TlsClientOptions options) {
    auto state = std::make_shared<detail::TlsClientState>(std::move(options));
    if (auto loaded = state->load(); !loaded) return failure(std::move(loaded.error()));
    return TlsClientContext(std::move(state));
}

Result<void> TlsClientContext::reload() const { return state_->load(); }

} // namespace tidemill
