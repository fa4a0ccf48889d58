// What the kernel tells besides a datagram's bytes, as functions of the bytes that it gives: any
// bytes are taken, so that tests and fuzzers need no kernel.
#pragma once

#include "core/sockets.hpp"
#include <cstddef>
#include <span>

namespace tidemill::detail {

/// Enough for all that a socket may have been asked to tell of a datagram or of an error.
inline constexpr std::size_t control_bytes = 256;

/// Fills in own address, interface, mark and size of segments, each if it is told.
void read_control(std::span<const std::byte> control, DatagramResult& into) noexcept;

/// Fills in what an entry of the error queue tells, but for the peer; false if it tells nothing.
[[nodiscard]] bool read_queued_error(std::span<const std::byte> control, IcmpReport& into) noexcept;

} // namespace tidemill::detail
