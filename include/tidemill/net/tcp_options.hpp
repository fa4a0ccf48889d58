// Options of TCP connections.
#pragma once

#include <tidemill/core/clock.hpp>

namespace tidemill {

/// Options of one connection. TCP_NODELAY is on by default: small messages do not wait for each
/// other's acknowledgement. Where 0 means the system's choice, anything else is an error
/// (`Errc::not_supported`) on a system that lacks the option.
struct TcpOptions {
    bool no_delay = true;
    /// The system probes peers that are silent, and ends the connection as timed out if they do not
    /// answer. The three values below count only with this; times are rounded up to seconds.
    bool keep_alive = false;
    int receive_buffer_bytes = 0;    ///< 0: the system's choice
    int send_buffer_bytes = 0;       ///< 0: the system's choice
    Duration keep_alive_idle{0};     ///< silence before the first probe; 0: the system's choice
    Duration keep_alive_interval{0}; ///< between probes; 0: the system's choice
    int keep_alive_count = 0;        ///< probes without an answer; 0: the system's choice
    /// How long bytes that were sent may go without an acknowledgement until the connection ends as
    /// timed out; in whole milliseconds, 0: the system's choice. Linux, Windows.
    Duration user_timeout{0};
};

} // namespace tidemill
