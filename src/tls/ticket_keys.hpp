// The keys that session tickets are sealed with.
//
// A ticket is the whole state of a session, so whoever has the key reads what was said in resumed
// TLS 1.2 sessions: keys are random, live for hours and are never written anywhere. They belong to
// the context and not to its setup, so that a reload does not void the tickets that are out.
#pragma once

#include "tls/openssl.hpp"
#include <array>
#include <chrono>
#include <mutex>
#include <tidemill/core/clock.hpp>

namespace tidemill::detail {

class TicketKeys {
public:
    explicit TicketKeys(Duration lifetime);
    ~TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    /// Throws std::system_error if there are no random bytes.
    void rotate();

    using Name = std::array<unsigned char, 16>;
    /// Prepares to seal a ticket or to open one; the answers are those that OpenSSL defines for
    /// its ticket callback: -1 failed, 0 unknown key, 1 done, 2 done and time for a new ticket.
    int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac) noexcept;
    int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac) noexcept;

private:
    struct Key {
        Name name{};
        std::array<unsigned char, 32> cipher{};
        std::array<unsigned char, 32> mac{};
        bool is_usable = false;
    };
    static bool set_mac(const Key& key, EVP_MAC_CTX* mac) noexcept;
    void make_current();
    void rotate_if_due();

    std::mutex mutex_;
    Duration lifetime_;
    std::chrono::steady_clock::time_point made_at_;
    Key current_;
    Key previous_;
};

} // namespace tidemill::detail
