// What echo_server was asked to do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tidemill/core/clock.hpp>
#include <tidemill/net/endpoint.hpp>
#include <vector>

namespace echo_server {

struct Arguments {
    std::vector<tidemill::Endpoint> tcp;
    std::vector<tidemill::Endpoint> udp;
    std::string selector; ///< empty: the library's choice
    tidemill::Duration idle_timeout = std::chrono::seconds(60);
    std::size_t max_connections = 100'000;
    std::size_t max_connections_per_address = 0;
    bool prints_stats = false;
};

/// Reads the command line. Ends the program after --help (exit code 0), and with one line on
/// standard error (exit code 2) when something is wrong.
[[nodiscard]] Arguments parse_arguments(int argc, const char* const* argv);

/// A whole number and a unit, such as 500ms, 30s, 2m or 1h; at most 1000 hours.
[[nodiscard]] std::optional<tidemill::Duration> parse_duration(std::string_view text) noexcept;

/// "echo_server: `message`" as one line on standard error, whatever bytes the message holds.
void complain(const std::string& message) noexcept;

} // namespace echo_server
