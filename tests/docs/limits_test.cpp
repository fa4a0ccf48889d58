// docs/limits.md against the code: the documented defaults are those that the options have, and the
// fixed limits are spelt in the sources as the page says.
#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <tidemill/tidemill.hpp>
#include <tidemill/tls/tls_stream.hpp>
#include <vector>

namespace tidemill {
namespace {

using Row = std::vector<std::string>;
using Defaults = std::map<std::string, std::string>;

std::string contents_of(const std::string& path) {
    std::ifstream file(std::string(TIDEMILL_SOURCE_DIR "/") + path, std::ios::binary);
    REQUIRE_MESSAGE(file, path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string without_blanks_and_ticks(const std::string& cell) {
    const std::size_t first = cell.find_first_not_of(" `");
    if (first == cell.npos) return {};
    return cell.substr(first, cell.find_last_not_of(" `") - first + 1);
}

Row cells_of(const std::string& line) {
    Row cells;
    std::istringstream rest(line.substr(1)); // behind the first bar
    for (std::string cell; std::getline(rest, cell, '|');)
        cells.push_back(without_blanks_and_ticks(cell));
    return cells;
}

// The rows of the table whose first head cell is `head`.
std::vector<Row> table_of(const std::string& head) {
    std::vector<Row> rows;
    std::istringstream page(contents_of("docs/limits.md"));
    bool is_inside = false;
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with('|')) {
            is_inside = false;
        } else if (Row row = cells_of(line); is_inside || row.front() == head) {
            is_inside = true;
            rows.push_back(std::move(row));
        }
    }
    REQUIRE(rows.size() > 2); // the head and the line below it
    rows.erase(rows.begin(), rows.begin() + 2);
    return rows;
}

std::string text(bool value) { return value ? "true" : "false"; }
std::string text(std::integral auto value) { return std::to_string(value); }
std::string text(Duration value) { return std::to_string(value / std::chrono::milliseconds(1)); }
std::string text(const std::string& value) { return value.empty() ? "empty" : value; }
std::string text(const Clock* value) { return value == nullptr ? "null" : "a clock"; }

// Each structure is taken apart completely, so that this stops to compile when an option is added:
// it wants a name here and a row in the page.

void add_loop_options(Defaults& all) {
    const LoopOptions options;
    const auto& [selector, clock, events, operations, bytes, leased, leased_by_one, pending,
                 lingering, linger_timeout, linger_bytes, posted, threads, jobs, slow] = options;
    all["LoopOptions::selector"] = text(selector);
    all["LoopOptions::clock"] = text(clock);
    all["LoopOptions::events_per_turn"] = text(events);
    all["LoopOptions::operations_per_turn"] = text(operations);
    all["LoopOptions::bytes_per_turn"] = text(bytes);
    all["LoopOptions::leased_bytes"] = text(leased);
    all["LoopOptions::leased_bytes_per_stream"] = text(leased_by_one);
    all["LoopOptions::pending_output_bytes"] = text(pending);
    all["LoopOptions::lingering_streams"] = text(lingering);
    all["LoopOptions::linger_timeout"] = text(linger_timeout);
    all["LoopOptions::linger_bytes"] = text(linger_bytes);
    all["LoopOptions::posted_closures"] = text(posted);
    all["LoopOptions::blocking_threads"] = text(threads);
    all["LoopOptions::blocking_jobs"] = text(jobs);
    all["LoopOptions::slow_callback"] = text(slow);
}

void add_server_options(Defaults& all) {
    const ServerOptions options;
    const auto& [listen, connections, by_address, idle, stall, log, on_end] = options;
    all["ServerOptions::max_connections"] = text(connections);
    all["ServerOptions::max_connections_per_address"] = text(by_address);
    all["ServerOptions::idle_timeout"] = text(idle);
    all["ServerOptions::write_stall_timeout"] = text(stall);
    all["ServerOptions::log"] =
        log == &ServerOptions::log_to_standard_error ? "standard error" : "something else";
    all["ServerOptions::on_end"] = on_end == nullptr ? "nobody" : "something else";
    const auto& [backlog, reuse_port, dual_stack, reuse_address, stream] = listen;
    all["ListenOptions::reuse_address"] = text(reuse_address);
    all["ListenOptions::backlog"] = text(backlog);
    all["ListenOptions::reuse_port"] = text(reuse_port);
    all["ListenOptions::dual_stack"] = text(dual_stack);
    const auto& [no_delay, keep_alive, receive_buffer, send_buffer, idle_probe, interval, count,
                 user_timeout] = stream;
    all["TcpOptions::keep_alive_idle"] = text(idle_probe);
    all["TcpOptions::keep_alive_interval"] = text(interval);
    all["TcpOptions::keep_alive_count"] = text(count);
    all["TcpOptions::user_timeout"] = text(user_timeout);
    all["TcpOptions::no_delay"] = text(no_delay);
    all["TcpOptions::keep_alive"] = text(keep_alive);
    all["TcpOptions::receive_buffer_bytes"] = text(receive_buffer);
    all["TcpOptions::send_buffer_bytes"] = text(send_buffer);
}

void add_udp_options(Defaults& all) {
    const UdpOptions options;
    const auto& [reuse_address, reuse_port, broadcast, dual_stack, receive_buffer, send_buffer,
                 details, icmp, many_per_call, cuts_output, gathers_input] = options;
    all["UdpOptions::reuse_address"] = text(reuse_address);
    all["UdpOptions::reuse_port"] = text(reuse_port);
    all["UdpOptions::broadcast"] = text(broadcast);
    all["UdpOptions::dual_stack"] = text(dual_stack);
    all["UdpOptions::receive_buffer_bytes"] = text(receive_buffer);
    all["UdpOptions::send_buffer_bytes"] = text(send_buffer);
    all["UdpOptions::details"] = text(details);
    all["UdpOptions::icmp"] = icmp ? "a policy" : "by kind";
    all["UdpOptions::many_per_call"] = text(many_per_call);
    all["UdpOptions::cuts_output"] = text(cuts_output);
    all["UdpOptions::gathers_input"] = text(gathers_input);
}

void add_tls_options(Defaults& all) {
    const TlsStreamOptions options;
    const auto& [handshake_timeout, pending_output] = options;
    all["TlsStreamOptions::handshake_timeout"] = text(handshake_timeout);
    all["TlsStreamOptions::pending_output_bytes"] = text(pending_output);
}

Defaults defaults_of_the_code() {
    Defaults all;
    add_loop_options(all);
    add_server_options(all);
    add_udp_options(all);
    add_tls_options(all);
    return all;
}

TEST_CASE("the documented defaults are those of the code, and none is missing") {
    Defaults documented;
    for (const Row& row : table_of("option")) {
        CAPTURE(row[0]);
        CHECK(documented.emplace(row[0], row[1]).second); // once only
    }
    for (const auto& each : defaults_of_the_code()) {
        // Not a structured binding: clang 14 cannot capture one.
        const auto& name = each.first;
        const auto& value = each.second;
        CAPTURE(name);
        const auto row = documented.find(name);
        REQUIRE(row != documented.end());
        CHECK(row->second == value);
        documented.erase(row);
    }
    CHECK(documented.empty());
}

TEST_CASE("the fixed limits stand in the sources as they are documented") {
    for (const Row& row : table_of("limit")) {
        CAPTURE(row[0]);
        const std::string source = contents_of(row[3]);
        const std::size_t at = source.find(row[2]);
        REQUIRE(at != source.npos);
        // `= 64` must not be found in `= 640`.
        const char next = source[at + row[2].size()];
        CHECK((next == ';' || next == ')'));
    }
}

TEST_CASE("the echo server of the README is the example, word for word") {
    const std::string readme = contents_of("README.md");
    const std::string open = "```cpp\n";
    const std::size_t begin = readme.find(open);
    REQUIRE(begin != readme.npos);
    const std::size_t from = begin + open.size();
    CHECK(readme.substr(from, readme.find("```", from) - from) ==
          contents_of("examples/tcp_echo.cpp"));
}

} // namespace
} // namespace tidemill
