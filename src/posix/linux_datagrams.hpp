// Many datagrams for one system call, as Linux can do it.
#pragma once

#include "core/sockets.hpp"

namespace tidemill::detail {

/// What the running kernel can do; asked once.
[[nodiscard]] DatagramFeatures linux_datagram_features() noexcept;
[[nodiscard]] ManyResult receive_datagrams(int socket, std::span<IncomingDatagram> into) noexcept;
[[nodiscard]] ManyResult send_datagrams(int socket,
                                        std::span<const OutgoingDatagram> messages) noexcept;

} // namespace tidemill::detail
