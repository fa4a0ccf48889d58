#include "tls/openssl_errors.hpp"
#include "tls/setup_common.hpp"
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <tidemill/tls/self_signed.hpp>

namespace tidemill {

namespace {

using detail::Owned;

constexpr long day_s = 24 * 60 * 60;

std::string text_of(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
}

// "DNS:localhost,IP:127.0.0.1"
std::string alternative_names(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) {
        const Owned<ASN1_OCTET_STRING> address(a2i_IPADDRESS(name.c_str()));
        if (!all.empty()) all += ',';
        all += (address != nullptr ? "IP:" : "DNS:") + name;
    }
    return all;
}

bool add_extension(X509& certificate, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool set_name(X509& certificate, const std::string& name) {
    X509_NAME* const subject = X509_get_subject_name(&certificate);
    const auto* const bytes = reinterpret_cast<const unsigned char*>(name.data());
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes,
                                      static_cast<int>(name.size()), -1, 0) == 1 &&
           X509_set_issuer_name(&certificate, subject) == 1;
}

bool set_serial(X509& certificate) {
    std::uint64_t number = 0;
    return RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), number >> 1) == 1;
}

bool fill(X509& certificate, EVP_PKEY* key, const std::vector<std::string>& names) {
    constexpr long version_3 = 2;
    return X509_set_version(&certificate, version_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(&certificate), -day_s) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(&certificate), 29 * day_s) != nullptr &&
           set_name(certificate, names.front()) && X509_set_pubkey(&certificate, key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_subject_alt_name, alternative_names(names)) &&
           X509_sign(&certificate, key, EVP_sha256()) != 0;
}

} // namespace

Result<TlsIdentity> make_self_signed_identity(const std::vector<std::string>& names) {
    if (names.empty()) return failure(Error(Errc::tls_setup, "a certificate needs a name"));
    detail::forget_openssl_errors();
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate(X509_new());
    const Owned<BIO> certificate_text(BIO_new(BIO_s_mem()));
    const Owned<BIO> key_text(BIO_new(BIO_s_mem()));
    if (key == nullptr || certificate == nullptr || certificate_text == nullptr ||
        key_text == nullptr || !fill(*certificate, key.get(), names) ||
        PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                 nullptr) != 1)
        return detail::setup_failure("a self-signed certificate");
    return TlsIdentity{PemSource::memory(text_of(certificate_text.get()), "(self-signed)"),
                       PemSource::memory(text_of(key_text.get()), "(its key)"), nullptr};
}

} // namespace tidemill
