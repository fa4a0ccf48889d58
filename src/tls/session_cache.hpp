// The sessions that a client may resume: a bounded list, the newest last.
//
// A ticket of TLS 1.3 is used once, so that connections cannot be linked by it; one of TLS 1.2
// stays until it is replaced.
#pragma once

#include "tls/openssl.hpp"
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::detail {

class SessionCache {
public:
    explicit SessionCache(std::size_t capacity) noexcept : capacity_(capacity) {}

    void put(std::string_view server_name, Owned<SSL_SESSION> session);
    /// The newest of this server; null if there is none.
    [[nodiscard]] Owned<SSL_SESSION> take(std::string_view server_name);
    void clear() noexcept;

private:
    struct Entry {
        std::string server_name;
        Owned<SSL_SESSION> session;
    };
    std::mutex mutex_;
    std::size_t capacity_;
    std::vector<Entry> entries_;
};

} // namespace tidemill::detail
