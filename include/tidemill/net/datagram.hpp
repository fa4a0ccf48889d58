// Datagrams as they come: the bytes, and what the system tells besides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <tidemill/core/chunk.hpp>
#include <tidemill/net/endpoint.hpp>

namespace tidemill {

/// The mark of explicit congestion notification (RFC 3168), as it stands in the IP header.
enum class Ecn : std::uint8_t {
    not_capable = 0, ///< also where the system does not tell
    capable_1 = 1,   ///< ECT(1)
    capable_0 = 2,   ///< ECT(0)
    congested = 3,   ///< CE: a router on the way was about to drop it
};

/// What the system tells of a datagram besides its bytes.
struct DatagramHeader {
    Endpoint sender;
    /// The address of ours that it was sent to. On a socket that is bound to one address it is that
    /// one; else 0.0.0.0 or :: if the system does not tell (UdpOptions::details).
    IpAddress own_address;
    std::uint32_t interface_index = 0; ///< it came in by; 0: not told
    Ecn ecn = Ecn::not_capable;
    bool is_truncated = false; ///< it was longer than what is here; the rest is lost
};

/// A datagram whose bytes are leased from the loop's pool.
struct Datagram : DatagramHeader {
    Chunk payload;
};

/// A datagram whose bytes were put into the caller's memory.
struct ReceivedDatagram : DatagramHeader {
    std::size_t bytes = 0;
};

namespace detail {

/// What one receive of a batch gives: a datagram, or several of one sender that the kernel has put
/// together, each of `segment_bytes` but for the last.
struct IncomingDatagram : DatagramHeader {
    std::span<std::byte> memory; ///< where it goes; not empty
    std::size_t bytes = 0;
    std::size_t segment_bytes = 0; ///< 0: it is one datagram
};

} // namespace detail
} // namespace tidemill
