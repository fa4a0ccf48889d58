// Endpoints as the system's socket addresses, and back.
#pragma once

#include "win32/windows.hpp"
#include <tidemill/net/endpoint.hpp>

namespace tidemill::detail {

struct NativeAddress {
    sockaddr_storage storage;
    int size = static_cast<int>(sizeof(sockaddr_storage));

    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

[[nodiscard]] NativeAddress to_native(const Endpoint& endpoint) noexcept;
/// An unspecified endpoint if the family is neither IPv4 nor IPv6.
[[nodiscard]] Endpoint from_native(const NativeAddress& address) noexcept;

} // namespace tidemill::detail
