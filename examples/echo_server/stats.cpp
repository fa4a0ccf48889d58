#include "echo_server/stats.hpp"
#include "echo_server/arguments.hpp"
#include <fmt/format.h>

namespace echo_server {

using tidemill::EndKind;
using tidemill::EndReport;
using tidemill::Server;
using tidemill::ServerCounters;
using tidemill::TcpStream;

namespace {

// Printing waits for whoever reads; the service should not wait for long.
constexpr std::uint64_t most_lines = 1'000;

std::string line_of(const char* protocol, const TcpStream& stream) {
    const EndReport report = stream.end_report();
    const auto info = stream.info();
    return fmt::format("connection: {}, {}, {}", protocol, report.to_string(),
                       info ? info->to_string() : info.error().message());
}

} // namespace

void say(std::FILE* to, const std::string& line) noexcept {
    std::fputs((line + '\n').c_str(), to);
    std::fflush(to);
}

ServerCounters total_of(std::initializer_list<const Servers*> lists) noexcept {
    ServerCounters total;
    for (const Servers* servers : lists) {
        for (const Server& server : *servers) {
            const ServerCounters each = server.counters();
            total.accepted += each.accepted;
            total.refused += each.refused;
            total.active += each.active;
            total.failed_handlers += each.failed_handlers;
            total.bytes_received += each.bytes_received;
            total.bytes_sent += each.bytes_sent;
        }
    }
    return total;
}

void print_connections(const char* protocol, const Servers& servers) {
    std::uint64_t seen = 0;
    for (const Server& server : servers)
        server.for_each_connection([&](const TcpStream& stream) {
            if (++seen <= most_lines) say(stderr, line_of(protocol, stream));
        });
    if (seen > most_lines)
        say(stderr, fmt::format("connection: {}, and {} more", protocol, seen - most_lines));
}

void print_end(const EndReport& report) noexcept {
    if (report.kind != EndKind::orderly && report.kind != EndKind::closed_locally)
        complain("TCP " + report.to_string());
}

} // namespace echo_server
