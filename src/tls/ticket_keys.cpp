#include "tls/ticket_keys.hpp"
#include "tls/openssl_errors.hpp"
#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <tidemill/core/error.hpp>

namespace tidemill::detail {

TicketKeys::TicketKeys(Duration lifetime) : lifetime_(lifetime) { make_current(); }

TicketKeys::~TicketKeys() {
    OPENSSL_cleanse(&current_, sizeof current_);
    OPENSSL_cleanse(&previous_, sizeof previous_);
}

void TicketKeys::make_current() {
    Key fresh;
    const auto fill = [](auto& bytes) {
        return RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
    };
    if (!fill(fresh.name) || !fill(fresh.cipher) || !fill(fresh.mac))
        throw_error(Error(Errc::tls_setup, "random bytes: " + take_openssl_errors()));
    fresh.is_usable = true;
    previous_ = current_;
    current_ = fresh;
    made_at_ = std::chrono::steady_clock::now();
    OPENSSL_cleanse(&fresh, sizeof fresh);
}

void TicketKeys::rotate() {
    const std::lock_guard lock(mutex_);
    make_current();
}

void TicketKeys::rotate_if_due() {
    const Duration age = std::chrono::steady_clock::now() - made_at_;
    if (age < lifetime_) return;
    make_current();
    if (age >= 2 * lifetime_) previous_ = Key(); // nobody has come by for that long
}

bool TicketKeys::set_mac(const Key& key, EVP_MAC_CTX* mac) noexcept {
    char digest[] = "SHA256";
    Key copy = key; // the parameters are not const
    const std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, copy.mac.data(), copy.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    const bool is_set = EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
    OPENSSL_cleanse(&copy, sizeof copy);
    return is_set;
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) noexcept {
    try {
        const std::lock_guard lock(mutex_);
        rotate_if_due();
        std::copy(current_.name.begin(), current_.name.end(), name);
        const EVP_CIPHER* const aes = EVP_aes_256_cbc();
        const bool is_ready =
            RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) == 1 &&
            EVP_EncryptInit_ex(cipher, aes, nullptr, current_.cipher.data(), iv) == 1 &&
            set_mac(current_, mac);
        return is_ready ? 1 : -1;
    } catch (...) {
        return -1;
    }
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) noexcept {
    try {
        const std::lock_guard lock(mutex_);
        rotate_if_due();
        const auto is_named = [&](const Key& key) {
            return key.is_usable && std::equal(key.name.begin(), key.name.end(), name);
        };
        const Key* const key = is_named(current_)    ? &current_
                               : is_named(previous_) ? &previous_
                                                     : nullptr;
        if (key == nullptr) return 0;
        const bool is_ready =
            EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) == 1 &&
            set_mac(*key, mac);
        if (!is_ready) return -1;
        return key == &current_ ? 1 : 2;
    } catch (...) {
        return -1;
    }
}

} // namespace tidemill::detail
