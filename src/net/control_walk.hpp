// The control messages of a datagram, as bytes: the same on every platform but for the layout and
// for the headers that declare the payloads, which are included before this one.
//
// The walk is our own and checks every length: the systems' macros trust what they are given.
// Payloads are copied out, since nothing is said about their alignment.
#pragma once

#include "core/sockets.hpp"
#include <algorithm>
#include <array>
#include <cstring>

namespace tidemill::detail {

struct ControlMessage {
    int level = 0;
    int type = 0;
    std::span<const std::byte> payload;

    [[nodiscard]] bool is(int wanted_level, int wanted_type) const noexcept {
        return level == wanted_level && type == wanted_type;
    }
    /// The payload as a T; false if it is shorter.
    template <class T> [[nodiscard]] bool get(T& value) const noexcept {
        if (payload.size() < sizeof value) return false;
        std::memcpy(&value, payload.data(), sizeof value);
        return true;
    }
};

/// Takes the first message off; false at the end, or where the bytes make no sense any more.
/// `Layout` has a type `Header`, `payload_at`, and `space(n)`: what a payload of n bytes takes up.
template <class Layout> [[nodiscard]] bool take_message(std::span<const std::byte>& control,
                                                        ControlMessage& message) noexcept {
    typename Layout::Header header{};
    if (control.size() < sizeof header) return false;
    std::memcpy(&header, control.data(), sizeof header);
    const auto length = static_cast<std::size_t>(header.cmsg_len);
    if (length < Layout::payload_at || length > control.size()) return false;
    const std::size_t size = length - Layout::payload_at;
    message = {header.cmsg_level, header.cmsg_type, control.subspan(Layout::payload_at, size)};
    const std::size_t space = Layout::space(size); // no overflow: it fits into control
    control = control.subspan(std::min(space, control.size()));
    return true;
}

[[nodiscard]] inline Ecn ecn_of(unsigned traffic_class) noexcept {
    return static_cast<Ecn>(traffic_class & 3U);
}

inline void read_ecn(const ControlMessage& message, Ecn& into) noexcept {
    // One byte on Linux over IPv4, an int elsewhere.
    unsigned char narrow = 0;
    int wide = 0;
    if (message.payload.size() >= sizeof wide && message.get(wide)) {
        into = ecn_of(static_cast<unsigned>(wide));
    } else if (message.get(narrow)) {
        into = ecn_of(narrow);
    }
}

#ifdef IP_PKTINFO
inline void read_v4_destination(const ControlMessage& message, DatagramResult& into) noexcept {
    in_pktinfo info{};
    if (!message.get(info)) return;
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &info.ipi_addr, bytes.size());
    into.own_address = IpAddress::v4(bytes);
    into.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
}
#endif

#ifdef IPV6_PKTINFO
inline void read_v6_destination(const ControlMessage& message, DatagramResult& into) noexcept {
    in6_pktinfo info{};
    if (!message.get(info)) return;
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
    into.interface_index = static_cast<std::uint32_t>(info.ipi6_ifindex);
    const IpAddress address = IpAddress::v6(bytes);
    into.own_address =
        address.is_link_local() ? IpAddress::v6(bytes, into.interface_index) : address;
}
#endif

} // namespace tidemill::detail
