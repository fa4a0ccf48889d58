// Endpoints as the system's socket addresses, and back: the same on every platform but for the
// headers that declare them, which are included before this one.
#pragma once

#include <array>
#include <cstring>
#include <tidemill/net/endpoint.hpp>

namespace tidemill::detail {

struct NativeAddress {
    sockaddr_storage storage;
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

// The bytes are copied into and out of the typed structures: reading the storage through a pointer
// of another type would be undefined.
[[nodiscard]] inline NativeAddress to_native(const Endpoint& endpoint) noexcept {
    NativeAddress native{};
    const std::span<const std::uint8_t> bytes = endpoint.address().bytes();
    if (endpoint.address().is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port());
        std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
        std::memcpy(&native.storage, &v4, sizeof v4);
        native.size = sizeof v4;
        return native;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port());
    v6.sin6_scope_id = endpoint.address().scope_id();
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&native.storage, &v6, sizeof v6);
    native.size = sizeof v6;
    return native;
}

/// An unspecified endpoint if the family is neither IPv4 nor IPv6. `size` is that of what lies at
/// `address`, a sockaddr of some kind.
[[nodiscard]] inline Endpoint from_native(const void* address, std::size_t size) noexcept {
    sockaddr_in v4{};
    if (size < sizeof v4) return {};
    std::memcpy(&v4, address, sizeof v4);
    if (v4.sin_family == AF_INET) {
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
        return {IpAddress::v4(bytes), ntohs(v4.sin_port)};
    }
    sockaddr_in6 v6{};
    if (v4.sin_family != AF_INET6 || size < sizeof v6) return {};
    std::memcpy(&v6, address, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return {IpAddress::v6(bytes, v6.sin6_scope_id), ntohs(v6.sin6_port)};
}

[[nodiscard]] inline Endpoint from_native(const NativeAddress& address) noexcept {
    return from_native(&address.storage, sizeof address.storage);
}

} // namespace tidemill::detail
