// What echo_server was asked to do.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tidemill/core/clock.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/icmp.hpp>
#include <vector>

namespace echo_server {

struct Arguments {
    std::vector<tidemill::Endpoint> tcp;
    std::vector<tidemill::Endpoint> udp;
    std::vector<tidemill::Endpoint> tls;
    std::string certificate_file; ///< empty: one is made at start
    std::string key_file;
    std::string client_ca_file;                     ///< empty: clients need no certificate
    std::vector<std::string> application_protocols; ///< empty: none is negotiated
    bool uses_openssl_config = false;
    std::string selector; ///< empty: the library's choice
    tidemill::Duration idle_timeout = std::chrono::seconds(60);
    std::size_t max_connections = 100'000;
    std::size_t max_connections_per_address = 0;
    tidemill::IcmpPolicy icmp = tidemill::IcmpPolicy::ignore;
    std::size_t threads = 1;
    bool prints_stats = false;
    bool reports_ends = false;
};

/// The command line is wrong; what() says how.
class WrongArguments : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads the command line. Nothing comes of --help, which has then been answered. Throws
/// WrongArguments.
[[nodiscard]] std::optional<Arguments> parse_arguments(int argc, const char* const* argv);

/// A whole number and a unit, such as 500ms, 30s, 2m or 1h; at most 1000 hours.
[[nodiscard]] std::optional<tidemill::Duration> parse_duration(std::string_view text) noexcept;

/// "echo_server: `message`" as one line on standard error, whatever bytes the message holds.
void complain(std::string_view message) noexcept;

} // namespace echo_server
