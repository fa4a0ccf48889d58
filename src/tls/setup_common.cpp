#include "tls/setup_common.hpp"
#include "tls/openssl_errors.hpp"
#include "tls/tls_session.hpp"

namespace tidemill::detail {

namespace {

// Forward secrecy and authenticated encryption, the fastest with hardware support first.
constexpr const char* suites_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* suites_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

int setup_index() noexcept {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

void on_key_log_line(const SSL* ssl, const char* line) {
    setup_of(SSL_get_SSL_CTX(ssl)).key_log->append(line);
}

Result<std::string> to_wire(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& protocol : protocols) {
        if (protocol.empty() || protocol.size() > 255)
            return failure(Error(Errc::tls_setup, "an ALPN name has 1 to 255 bytes"));
        wire += static_cast<char>(protocol.size());
        wire += protocol;
    }
    if (wire.size() > 65535) return failure(Error(Errc::tls_setup, "too many ALPN names"));
    return wire;
}

bool limit_versions(SSL_CTX& context, const TlsCommonOptions& options) noexcept {
    const int minimum =
        options.minimum_version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    return SSL_CTX_set_min_proto_version(&context, minimum) == 1 &&
           SSL_CTX_set_max_proto_version(&context, 0) == 1 &&
           SSL_CTX_set_ciphersuites(&context, suites_1_3) == 1 &&
           SSL_CTX_set_cipher_list(&context, suites_1_2) == 1;
}

} // namespace

tl::unexpected<Error> setup_failure(const std::string& what) {
    return failure(Error(Errc::tls_setup, what + " (" + take_openssl_errors() + ")"));
}

const TlsSetup& setup_of(const SSL_CTX* context) noexcept {
    return *static_cast<const TlsSetup*>(SSL_CTX_get_ex_data(context, setup_index()));
}

Result<void> begin_setup(TlsSetup& setup, const SSL_METHOD* method,
                         const TlsCommonOptions& options) {
    auto alpn = to_wire(options.alpn);
    if (!alpn) return failure(std::move(alpn.error()));
    setup.alpn = std::move(*alpn);
    forget_openssl_errors();
    setup.context.reset(SSL_CTX_new(method));
    if (setup.context == nullptr) return setup_failure("OpenSSL cannot start");
    SSL_CTX& context = *setup.context;
    if (SSL_CTX_set_ex_data(&context, setup_index(), &setup) != 1) throw std::bad_alloc();
    if (!options.use_openssl_config && !limit_versions(context, options))
        return setup_failure("versions and suites");
    SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
    watch_connections(context);
    if (options.key_log_file.empty()) return {};
    auto log = KeyLog::open(options.key_log_file);
    if (!log) return failure(std::move(log.error()));
    setup.key_log = std::move(*log);
    SSL_CTX_set_keylog_callback(&context, &on_key_log_line);
    return {};
}

Result<void> use_identity(SSL_CTX& context, const LoadedIdentity& identity) {
    forget_openssl_errors();
    if (SSL_CTX_use_cert_and_key(&context, identity.certificate.get(), identity.key.get(),
                                 identity.chain.get(), 1) != 1)
        return setup_failure(identity.name);
    return {};
}

Result<std::vector<Owned<X509>>> apply_trust(SSL_CTX& context, const TlsTrust& trust) {
    forget_openssl_errors();
    if (trust.system_store && SSL_CTX_set_default_verify_paths(&context) != 1)
        return setup_failure("the system's trusted certificates");
    X509_STORE* const store = SSL_CTX_get_cert_store(&context);
    std::vector<Owned<X509>> all;
    for (const PemSource& source : trust.authorities) {
        auto authorities = load_certificates(source);
        if (!authorities) return failure(std::move(authorities.error()));
        for (Owned<X509>& authority : *authorities) {
            if (X509_STORE_add_cert(store, authority.get()) != 1)
                return setup_failure(source.name());
            all.push_back(std::move(authority));
        }
    }
    if (trust.verification_time_s)
        X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(&context), *trust.verification_time_s);
    return all;
}

} // namespace tidemill::detail
