#include "tls/pem_files.hpp"
#include "tls/openssl_errors.hpp"
#include <array>
#include <cerrno>
#include <cstdio>
#include <openssl/pem.h>

namespace tidemill::detail {

namespace {

constexpr std::size_t most_pem_bytes = std::size_t{16} << 20;

tl::unexpected<Error> unusable(const PemSource& source, const std::string& why) {
    return failure(Error(Errc::tls_setup, source.name() + ": " + why));
}

tl::unexpected<Error> unreadable(const PemSource& source, int system_error) {
    return failure(
        Error(std::make_error_code(static_cast<std::errc>(system_error)), source.name()));
}

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

Result<std::string> read_source(const PemSource& source) {
    if (!source.is_file()) return source.text();
    errno = 0;
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(source.name().c_str(), "rb"));
    if (file == nullptr) return unreadable(source, errno);
    std::string text;
    std::array<char, 4096> piece;
    while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), file.get())) {
        text.append(piece.data(), count);
        if (text.size() > most_pem_bytes) return unusable(source, "it is far too long");
    }
    if (std::ferror(file.get()) != 0) return unreadable(source, errno);
    return text;
}

Owned<BIO> reader_of(const std::string& text) {
    Owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (bio == nullptr) throw std::bad_alloc();
    return bio;
}

// Never asks a terminal, which is what OpenSSL does by itself.
int no_password(char*, int, int, void*) { return -1; }

struct PasswordRequest {
    const TlsIdentity& identity;
    bool was_asked = false;
};

int ask_password(char* into, int size, int, void* context) {
    auto& request = *static_cast<PasswordRequest*>(context);
    request.was_asked = true;
    if (request.identity.password == nullptr) return -1;
    try {
        const std::string answer = request.identity.password->password(request.identity.key.name());
        if (answer.size() > static_cast<std::size_t>(size)) return -1;
        answer.copy(into, answer.size());
        return static_cast<int>(answer.size());
    } catch (...) {
        return -1; // it must not pass through OpenSSL, and is no more than "no password"
    }
}

Result<Owned<EVP_PKEY>> load_key(const TlsIdentity& identity) {
    auto text = read_source(identity.key);
    if (!text) return failure(std::move(text.error()));
    PasswordRequest request{identity};
    forget_openssl_errors();
    Owned<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(reader_of(*text).get(), nullptr, &ask_password, &request));
    if (key != nullptr) return key;
    const std::string reasons = take_openssl_errors();
    if (request.was_asked)
        return unusable(identity.key,
                        std::string("the key is encrypted and ") +
                            (identity.password == nullptr ? "no password was given"
                                                          : "the password does not open it") +
                            " (" + reasons + ")");
    return unusable(identity.key, "no private key in PEM form (" + reasons + ")");
}

std::string to_text(const ASN1_TIME* time) {
    const Owned<BIO> bio(BIO_new(BIO_s_mem()));
    if (bio == nullptr || ASN1_TIME_print(bio.get(), time) != 1) return "a date";
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

// Nothing if it is valid now.
std::string time_objection(const X509& certificate) {
    const ASN1_TIME* const begin = X509_get0_notBefore(&certificate);
    const ASN1_TIME* const end = X509_get0_notAfter(&certificate);
    const std::string who =
        "the certificate of " + detail::to_text(X509_get_subject_name(&certificate));
    if (X509_cmp_current_time(end) < 0) return who + " expired on " + to_text(end);
    if (X509_cmp_current_time(begin) > 0) return who + " is not valid before " + to_text(begin);
    return {};
}

} // namespace

std::string to_text(const X509_NAME* name) {
    const Owned<BIO> bio(BIO_new(BIO_s_mem()));
    // Control characters and what is no ASCII are escaped, so that no name can fake a line.
    constexpr unsigned long form = XN_FLAG_ONELINE;
    if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, form) < 0) return {};
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string sha256_of(const X509& certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
        text += digits[digest[i] >> 4];
        text += digits[digest[i] & 15];
    }
    return text;
}

Result<std::vector<Owned<X509>>> load_certificates(const PemSource& source) {
    auto text = read_source(source);
    if (!text) return failure(std::move(text.error()));
    const Owned<BIO> reader = reader_of(*text);
    std::vector<Owned<X509>> certificates;
    forget_openssl_errors();
    while (X509* const next = PEM_read_bio_X509_AUX(reader.get(), nullptr, &no_password, nullptr))
        certificates.emplace_back(next);
    const bool is_at_end = newest_openssl_reason() == PEM_R_NO_START_LINE;
    const std::string reasons = take_openssl_errors();
    if (certificates.empty())
        return unusable(source, "no certificate in PEM form (" + reasons + ")");
    if (!is_at_end) return unusable(source, "a certificate is damaged (" + reasons + ")");
    return certificates;
}

Result<LoadedIdentity> load_identity(const TlsIdentity& identity) {
    if (identity.certificate.empty() || identity.key.empty())
        return failure(Error(Errc::tls_setup, "an identity needs a certificate and a key"));
    auto certificates = load_certificates(identity.certificate);
    if (!certificates) return failure(std::move(certificates.error()));
    auto key = load_key(identity);
    if (!key) return failure(std::move(key.error()));
    X509& own = *certificates->front();
    if (const std::string objection = time_objection(own); !objection.empty())
        return unusable(identity.certificate, objection);
    forget_openssl_errors();
    if (X509_check_private_key(&own, key->get()) != 1)
        return unusable(identity.key, "the key does not belong to the certificate in " +
                                          identity.certificate.name() + " (" +
                                          take_openssl_errors() + ")");
    LoadedIdentity loaded{nullptr, Owned<STACK_OF(X509)>(sk_X509_new_null()), std::move(*key),
                          identity.certificate.name()};
    if (loaded.chain == nullptr) throw std::bad_alloc();
    for (std::size_t i = 1; i < certificates->size(); ++i) {
        if (sk_X509_push(loaded.chain.get(), (*certificates)[i].get()) == 0) throw std::bad_alloc();
        static_cast<void>((*certificates)[i].release());
    }
    loaded.certificate = std::move(certificates->front());
    return loaded;
}

} // namespace tidemill::detail
