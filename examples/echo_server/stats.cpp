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

void add(ServerCounters& total, const ServerCounters& each) noexcept {
    total.accepted += each.accepted;
    total.refused += each.refused;
    total.active += each.active;
    total.failed_handlers += each.failed_handlers;
    total.bytes_received += each.bytes_received;
    total.bytes_sent += each.bytes_sent;
}

void print_served(const char* protocol, const ServerCounters& total, bool has_ended_in_order) {
    say(stdout,
        fmt::format("served {}: {} connections, {} refused, {} bytes in, {} bytes out{}", protocol,
                    total.accepted, total.refused, total.bytes_received, total.bytes_sent,
                    has_ended_in_order ? "" : "; some peers had not ended"));
}

} // namespace

void say(std::FILE* to, const std::string& line) noexcept {
    std::fputs((line + '\n').c_str(), to);
    std::fflush(to);
}

ServerCounters total_of(std::initializer_list<const Servers*> lists) noexcept {
    ServerCounters total;
    for (const Servers* servers : lists)
        for (const Server& server : *servers) add(total, server.counters());
    return total;
}

Figures& Figures::operator+=(const Figures& other) noexcept {
    add(tcp, other.tcp);
    add(tls, other.tls);
    loop.lingering += other.loop.lingering;
    loop.accept_pauses += other.loop.accept_pauses;
    loop.bytes_received += other.loop.bytes_received;
    loop.bytes_sent += other.loop.bytes_sent;
    loop.leased_bytes += other.loop.leased_bytes;
    loop.open_sockets += other.loop.open_sockets;
    loop.turns += other.loop.turns;
    datagrams += other.datagrams;
    answered += other.answered;
    icmp_reports += other.icmp_reports;
    has_ended_in_order = has_ended_in_order && other.has_ended_in_order;
    return *this;
}

void print_stats(const Figures& figures) {
    ServerCounters all = figures.tcp;
    add(all, figures.tls);
    const auto& loop = figures.loop;
    say(stderr,
        fmt::format("stats: connections {} of {}, refused {}, lingering {}, "
                    "accept pauses {}, datagrams {}, answered {}, undelivered {}, "
                    "bytes in {}, bytes out {}, leased {}, sockets {}, turns {}",
                    all.active, all.accepted, all.refused, loop.lingering, loop.accept_pauses,
                    figures.datagrams, figures.answered, figures.icmp_reports, loop.bytes_received,
                    loop.bytes_sent, loop.leased_bytes, loop.open_sockets, loop.turns));
}

void print_served(const Arguments& arguments, const Figures& figures) {
    const bool in_order = figures.has_ended_in_order;
    if (!arguments.tcp.empty()) print_served("tcp", figures.tcp, in_order);
    if (!arguments.tls.empty()) print_served("tls", figures.tls, in_order);
    if (!arguments.udp.empty())
        say(stdout, fmt::format("served udp: {} datagrams, {} answered", figures.datagrams,
                                figures.answered));
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
