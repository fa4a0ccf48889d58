// IpAddress: an IPv4 or IPv6 address as a plain value.
//
// It is read and printed by code of our own and not by the system's inet_pton and getaddrinfo,
// because those differ: some accept "127.1" or read "010.0.0.1" as octal. Here one text means the
// same address on every system, and each address has exactly one printed form.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tidemill/core/error.hpp>

namespace tidemill {

/// An IPv4 address, or an IPv6 address with its scope id. The default value is 0.0.0.0.
///
/// An IPv4 address and the same address mapped into IPv6 (`::ffff:1.2.3.4`) are different values;
/// `unmapped()` brings them together. The order is: IPv4 before IPv6, then bytes, then scope id.
class IpAddress {
public:
    constexpr IpAddress() noexcept = default;

    [[nodiscard]] static constexpr IpAddress v4(std::array<std::uint8_t, 4> bytes) noexcept;
    /// `scope_id` is the number of the interface (RFC 4007); 0 leaves the choice to the system.
    [[nodiscard]] static constexpr IpAddress v6(std::array<std::uint8_t, 16> bytes,
                                                std::uint32_t scope_id = 0) noexcept;
    [[nodiscard]] static constexpr IpAddress any_v4() noexcept { return v4({}); }
    [[nodiscard]] static constexpr IpAddress any_v6() noexcept { return v6({}); }
    [[nodiscard]] static constexpr IpAddress loopback_v4() noexcept { return v4({127, 0, 0, 1}); }
    [[nodiscard]] static constexpr IpAddress loopback_v6() noexcept;

    /// Reads `1.2.3.4` or an IPv6 address as of RFC 4291 section 2.2, with or without `%scope`.
    ///
    /// Strict: four decimal numbers without leading zeros, no short forms; a scope is a decimal
    /// number, because only the operating system knows the names of interfaces. Nothing may stand
    /// before or after the address.
    ///
    /// Errors: `Errc::invalid_address`; the message quotes the text and says what is wrong.
    [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

    /// The canonical form of RFC 5952, then `%scope` if the scope id is not 0; `parse` reads it.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] constexpr bool is_v4() const noexcept { return family_ == Family::v4; }
    [[nodiscard]] constexpr bool is_v6() const noexcept { return family_ == Family::v6; }

    // A mapped address is judged by the IPv4 address inside it, because that is where the system
    // sends: a filter that asks is_loopback() must not be passed by ::ffff:127.0.0.1.

    /// 127.0.0.0/8 or ::1.
    [[nodiscard]] bool is_loopback() const noexcept;
    /// 0.0.0.0 or ::, "no particular address".
    [[nodiscard]] bool is_any() const noexcept;
    /// 224.0.0.0/4 or ff00::/8.
    [[nodiscard]] bool is_multicast() const noexcept;
    /// The unicast ranges 169.254.0.0/16 (RFC 3927) and fe80::/10.
    [[nodiscard]] bool is_link_local() const noexcept;

    /// IPv6 of the form ::ffff:1.2.3.4 (RFC 4291 section 2.5.5.2).
    [[nodiscard]] bool is_v4_mapped() const noexcept;
    /// The IPv4 address inside a mapped one (its scope id is dropped), else the address itself.
    [[nodiscard]] IpAddress unmapped() const noexcept;

    /// The 4 or 16 bytes in network order, borrowed from this object.
    [[nodiscard]] constexpr std::span<const std::uint8_t> bytes() const noexcept {
        return {bytes_.data(), is_v4() ? std::size_t{4} : bytes_.size()};
    }
    /// 0 for IPv4 and where none was given.
    [[nodiscard]] constexpr std::uint32_t scope_id() const noexcept { return scope_id_; }

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

private:
    enum class Family : std::uint8_t { v4, v6 };

    // The order of the members is the order of addresses. Bytes that IPv4 does not use stay 0.
    Family family_ = Family::v4;
    std::array<std::uint8_t, 16> bytes_{};
    std::uint32_t scope_id_ = 0;
};

constexpr IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) noexcept {
    IpAddress address;
    for (std::size_t i = 0; i < bytes.size(); ++i) address.bytes_[i] = bytes[i];
    return address;
}

constexpr IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes,
                                  std::uint32_t scope_id) noexcept {
    IpAddress address;
    address.family_ = Family::v6;
    address.bytes_ = bytes;
    address.scope_id_ = scope_id;
    return address;
}

constexpr IpAddress IpAddress::loopback_v6() noexcept {
    return v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

} // namespace tidemill

/// The same number on every run: a table that strangers fill needs a limit of its own.
template <> struct std::hash<tidemill::IpAddress> {
    [[nodiscard]] std::size_t operator()(const tidemill::IpAddress& address) const noexcept;
};
