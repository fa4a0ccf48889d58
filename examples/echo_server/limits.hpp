// The limits of one address that several loops serve.
//
// Those of a Server count for its loop. What the user asked for is one number for all of them, so
// each handler asks here first. Once for a connection, so a lock is good enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <tidemill/net/stream.hpp>
#include <unordered_map>

namespace echo_server {

/// Thread: any.
class SharedLimits {
public:
    /// 0: no limit.
    SharedLimits(std::size_t connections, std::size_t connections_per_address) noexcept
        : connections_(connections), per_address_(connections_per_address) {}

    /// Holds a place for as long as it lives; false if there was none. `limits` must outlive it.
    class Place {
    public:
        Place(SharedLimits& limits, const tidemill::Stream& peer);
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();
        [[nodiscard]] explicit operator bool() const noexcept { return is_taken_; }

    private:
        SharedLimits& limits_;
        std::string address_; ///< only if its number is limited
        bool is_taken_ = false;
    };

    [[nodiscard]] std::uint64_t refused() const;

private:
    [[nodiscard]] bool enter(const std::string& address);
    void leave(const std::string& address);

    const std::size_t connections_;
    const std::size_t per_address_;
    mutable std::mutex mutex_;
    std::size_t active_ = 0;
    std::uint64_t refused_ = 0;
    std::unordered_map<std::string, std::size_t> addresses_;
};

} // namespace echo_server
