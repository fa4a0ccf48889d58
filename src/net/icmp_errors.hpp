// Which errors of a call on a datagram socket are news of an earlier datagram.
#pragma once

#include <system_error>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::detail {

/// True for what systems make of ICMP messages. A call may mean its own datagram by it, too: then
/// it fails again.
[[nodiscard]] inline bool is_icmp_error(PackedError error) noexcept {
    for (const std::errc known :
         {std::errc::connection_refused, std::errc::host_unreachable,
          std::errc::network_unreachable, std::errc::connection_reset, std::errc::network_reset,
          std::errc::network_down, std::errc::no_protocol_option, std::errc::protocol_error,
          std::errc::operation_not_supported, std::errc::permission_denied, std::errc::message_size,
          std::errc::timed_out})
        if (error == PackedError(known)) return true;
    return false;
}

} // namespace tidemill::detail
