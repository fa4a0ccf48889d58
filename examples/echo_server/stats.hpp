// What echo_server tells of its connections while it runs, and as they end.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <string>
#include <tidemill/net/server.hpp>
#include <vector>

namespace echo_server {

using Servers = std::vector<tidemill::Server>;

/// A line on standard output or error, at once. Nobody may be reading: that must not end a server.
void say(std::FILE* to, const std::string& line) noexcept;

[[nodiscard]] tidemill::ServerCounters
total_of(std::initializer_list<const Servers*> lists) noexcept;

/// A line on standard error for each connection of `servers`, up to a limit: whose it is, what has
/// passed, and what the system knows about it.
void print_connections(const char* protocol, const Servers& servers);

/// For ServerOptions::on_end: a line on standard error, unless the end was in order or ours.
void print_end(const tidemill::EndReport& report) noexcept;

} // namespace echo_server
