#include "tls/session_cache.hpp"
#include <algorithm>

namespace tidemill::detail {

void SessionCache::put(std::string_view server_name, Owned<SSL_SESSION> session) {
    if (capacity_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= capacity_) entries_.erase(entries_.begin());
    entries_.push_back({std::string(server_name), std::move(session)});
}

Owned<SSL_SESSION> SessionCache::take(std::string_view server_name) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
        return entry.server_name == server_name;
    });
    if (found == entries_.rend()) return nullptr;
    if (SSL_SESSION_get_protocol_version(found->session.get()) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(found->session.get());
        return Owned<SSL_SESSION>(found->session.get());
    }
    Owned<SSL_SESSION> session = std::move(found->session);
    entries_.erase(std::next(found).base());
    return session;
}

void SessionCache::clear() noexcept {
    const std::lock_guard lock(mutex_);
    entries_.clear();
}

} // namespace tidemill::detail
