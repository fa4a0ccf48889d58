// Endpoint: an address and a port, the place where a socket listens or to which it connects.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tidemill/core/error.hpp>
#include <tidemill/net/ip_address.hpp>

namespace tidemill {

/// An IP address with a TCP or UDP port. The default value is 0.0.0.0:0.
///
/// As an address to listen on, port 0 asks the system for a free one. The order is that of the
/// addresses, then of the ports.
class Endpoint {
public:
    constexpr Endpoint() noexcept = default;
    constexpr Endpoint(const IpAddress& address, std::uint16_t port) noexcept
        : address_(address), port_(port) {}

    /// Reads `1.2.3.4:80`, `[::1]:80` or `[fe80::1%2]:80`; names are the resolver's business.
    ///
    /// The address is read by `IpAddress::parse`. The port is mandatory: decimal, 0 to 65535, no
    /// sign, no blank, no leading zero. IPv6 needs the brackets (RFC 5952 section 6), because
    /// `::1:80` is an address too.
    ///
    /// Errors: `Errc::invalid_address`; the message quotes the text, says what is wrong with it
    /// and shows the expected form.
    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);

    /// The form that `parse` reads, with the address in canonical form.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] constexpr const IpAddress& address() const noexcept { return address_; }
    [[nodiscard]] constexpr std::uint16_t port() const noexcept { return port_; }

    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;

private:
    IpAddress address_;
    std::uint16_t port_ = 0;
};

} // namespace tidemill

/// The same number on every run: a table that strangers fill needs a limit of its own.
template <> struct std::hash<tidemill::Endpoint> {
    [[nodiscard]] std::size_t operator()(const tidemill::Endpoint& endpoint) const noexcept;
};
