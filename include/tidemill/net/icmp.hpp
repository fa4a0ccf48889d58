// What the network says about datagrams that did not arrive, and whether anybody wants to hear it.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <tidemill/net/endpoint.hpp>

namespace tidemill {

/// Whether a UDP socket tells of its datagrams that were refused; the same on every system.
enum class IcmpPolicy : std::uint8_t {
    ignore, ///< never: a peer that is gone disturbs nobody. For sockets with many peers.
    report, ///< the next receive fails with the error, once for each. For one fixed peer.
};

/// One datagram of ours that did not arrive, as the system tells it.
struct IcmpReport {
    enum class Origin : std::uint8_t {
        untold, ///< the system has no more to say than the error
        icmp,   ///< ICMP; `type` and `code` are those of RFC 792
        icmp6,  ///< ICMPv6; `type` and `code` are those of RFC 4443
    };

    Origin origin = Origin::untold;
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint32_t mtu = 0; ///< for "too large": what would fit on the way; else 0
    Endpoint peer;         ///< to whom it was sent; 0.0.0.0:0 if the system does not tell
    IpAddress reporter{};  ///< who says so: the peer or a router; 0.0.0.0 if not told
    std::error_code error; ///< connection_refused, host_unreachable and their kin

    /// One line for people: what, whose, who says so.
    [[nodiscard]] std::string to_string() const;
};

} // namespace tidemill
