// TcpInfo: what the system knows about a TCP connection, at one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tidemill/core/clock.hpp>

namespace tidemill {

/// As in RFC 9293.
enum class TcpState : std::uint8_t {
    closed,
    listening,
    syn_sent,
    syn_received,
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
    time_wait,
};

[[nodiscard]] const char* name_of(TcpState state) noexcept;

/// A snapshot; a field is empty if this system does not tell it. Linux: TCP_INFO (all but what says
/// otherwise). Windows: SIO_TCP_INFO, from Windows 10 1703 on.
struct TcpInfo {
    std::optional<TcpState> state;
    std::optional<Duration> round_trip_time; ///< smoothed
    std::optional<Duration> round_trip_variance;
    std::optional<std::uint64_t> retransmitted_segments; ///< since the beginning; Linux
    std::optional<std::uint64_t> retransmitted_bytes;    ///< since the beginning
    std::optional<std::uint64_t> unacknowledged_bytes;   ///< sent, and not acknowledged yet
    std::optional<std::uint64_t> unsent_bytes;           ///< in the send buffer still
    std::optional<std::uint64_t> congestion_window_bytes;
    std::optional<std::uint64_t> delivery_rate_bytes_per_second; ///< the latest estimate; Linux

    /// One line for people, of the fields that are there: "established, round trip 0.041 ms, ...".
    [[nodiscard]] std::string to_string() const;
};

} // namespace tidemill
