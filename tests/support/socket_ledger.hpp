// What a loop has open and has registered, as its seams were told: a second opinion on leaks that
// is the same on every system. Breaches are kept as sentences.
#pragma once

#include "core/selector.hpp"

#include <map>
#include <set>
#include <string>
#include <tidemill/core/native.hpp>
#include <vector>

namespace tidemill::support {

class SocketLedger {
public:
    void opened(NativeSocket socket) { open_.insert(socket); }
    void closed(NativeSocket socket) {
        if (open_.erase(socket) == 0) breach("a socket was closed that was not open");
        if (watched_.erase(socket) > 0)
            breach(
                "a registration was left behind: its socket was closed, unknown to the selector");
    }
    void watches(NativeSocket socket, detail::Interest interest, detail::Token token) {
        watched_[socket] = {socket, interest, token};
    }
    void forgets(NativeSocket socket) { watched_.erase(socket); }
    /// Null: it is not watched.
    [[nodiscard]] const detail::Watched* watched(NativeSocket socket) const {
        const auto found = watched_.find(socket);
        return found == watched_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::size_t open() const noexcept { return open_.size(); }
    [[nodiscard]] std::size_t registered() const noexcept { return watched_.size(); }

    void breach(std::string sentence) { breaches_.push_back(std::move(sentence)); }
    [[nodiscard]] const std::vector<std::string>& breaches() const noexcept { return breaches_; }

private:
    std::set<NativeSocket> open_;
    std::map<NativeSocket, detail::Watched> watched_;
    std::vector<std::string> breaches_;
};

} // namespace tidemill::support
