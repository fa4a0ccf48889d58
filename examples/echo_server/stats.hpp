// What echo_server tells of its connections while it runs, and as they end.
#pragma once

#include "echo_server/arguments.hpp"
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/net/server.hpp>
#include <vector>

namespace echo_server {

using Servers = std::vector<tidemill::Server>;

/// A line on standard output or error, at once. Nobody may be reading: that must not end a server.
void say(std::FILE* to, const std::string& line) noexcept;

[[nodiscard]] tidemill::ServerCounters
total_of(std::initializer_list<const Servers*> lists) noexcept;

/// What a loop has done, or several together.
struct Figures {
    tidemill::ServerCounters tcp;
    tidemill::ServerCounters tls;
    tidemill::LoopCounters loop; ///< of several loops: what the statistics tell
    std::uint64_t datagrams = 0;
    std::uint64_t answered = 0;
    std::uint64_t icmp_reports = 0;
    bool has_ended_in_order = true;

    Figures& operator+=(const Figures& other) noexcept;
};

/// A line on standard error.
void print_stats(const Figures& figures);
/// A line on standard output for each protocol that was asked for.
void print_served(const Arguments& arguments, const Figures& figures);

/// A line on standard error for each connection of `servers`, up to a limit: whose it is, what has
/// passed, and what the system knows about it.
void print_connections(const char* protocol, const Servers& servers);

/// For ServerOptions::on_end: a line on standard error, unless the end was in order or ours.
void print_end(const tidemill::EndReport& report) noexcept;

} // namespace echo_server
