// The command line of echo_server.
//
// CLI11 knows the options; what their values mean is decided here, after it, so that every
// complaint has the same form and ends the program in the same way.
#include "echo_server/arguments.hpp"
#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <tidemill/core/loop_pool.hpp>

namespace echo_server {

using tidemill::Duration;
using tidemill::Endpoint;

namespace {

constexpr const char* description =
    "Echoes what it is sent over TCP, TLS and UDP.\n\n"
    "Prints a line such as `listening tcp 127.0.0.1:7000` for each address when it is ready. "
    "After\n"
    "a peer's half-close it sends what is left, then closes. It does not read from a peer that\n"
    "does not read. SIGINT and SIGTERM end it in order, within 5 seconds; a second one at once.";

constexpr const char* footer =
    "Durations are a whole number and a unit: 500ms, 30s, 2m, 1h.\n"
    "Exit codes: 0 after a signal, 1 if it could not start, 2 for wrong arguments.\n\n"
    "Examples:\n"
    "  echo_server --tcp 127.0.0.1:7000 --udp 127.0.0.1:7000\n"
    "  echo_server --tcp '[::1]:0' --selector poll --idle-timeout 30s --stats\n"
    "  echo hello | nc -N 127.0.0.1 7000\n"
    "  echo_server --tls 127.0.0.1:4433 --cert cert.pem --key key.pem\n"
    "  openssl s_client -connect 127.0.0.1:4433";

/// As the command line has it.
struct Texts {
    std::vector<std::string> tcp;
    std::vector<std::string> udp;
    std::vector<std::string> tls;
    std::string idle_timeout = "60s";
    std::string max_connections = "100000";
    std::string max_connections_per_address = "0";
    std::string threads = "1";
    std::string icmp = "ignore";
};

[[noreturn]] void refuse(const std::string& message) {
    throw WrongArguments(message + " (--help tells more)");
}

void add_tls_options(CLI::App& app, Arguments& arguments) {
    auto* const certificate = app.add_option("--cert", arguments.certificate_file,
                                             "PEM file with the certificate and its chain, read "
                                             "again on SIGHUP; without it one is made, "
                                             "which nobody trusts");
    auto* const key = app.add_option("--key", arguments.key_file, "PEM file with its private key");
    certificate->type_name("FILE")->needs(key);
    key->type_name("FILE")->needs(certificate);
    app.add_option("--client-ca", arguments.client_ca_file,
                   "clients need a certificate from one of the authorities in this PEM file")
        ->type_name("FILE");
    app.add_option("--alpn", arguments.application_protocols,
                   "application protocol, the preferred one first; may be given several times")
        ->type_name("PROTOCOL")
        ->allow_extra_args(false);
    app.add_flag("--openssl-config", arguments.uses_openssl_config,
                 "leave TLS versions and suites to the configuration file of OpenSSL");
}

void add_options(CLI::App& app, Arguments& arguments, Texts& texts) {
    app.footer(footer);
    app.add_option("--tcp", texts.tcp, "listen here for connections; may be given several times")
        ->type_name("ADDRESS:PORT")
        ->allow_extra_args(false);
    app.add_option("--udp", texts.udp, "listen here for datagrams; may be given several times")
        ->type_name("ADDRESS:PORT")
        ->allow_extra_args(false);
    app.add_option("--tls", texts.tls, "the same as --tcp behind TLS; see --cert")
        ->type_name("ADDRESS:PORT")
        ->allow_extra_args(false);
    add_tls_options(app, arguments);
    app.add_option("--selector", arguments.selector,
                   "how to wait for sockets; else TIDEMILL_SELECTOR, else the best that works")
        ->type_name("NAME")
        ->check(CLI::IsMember({"epoll", "poll", "select", "uv", "iocp", "wsapoll"}));
    app.add_option("--idle-timeout", texts.idle_timeout,
                   "close connections on which nothing moves for so long; 0s: never")
        ->type_name("DURATION")
        ->capture_default_str();
    app.add_option("--max-connections", texts.max_connections,
                   "at a time, on each --tcp; further ones are closed at once; 0: no limit")
        ->type_name("COUNT")
        ->capture_default_str();
    app.add_option("--max-connections-per-address", texts.max_connections_per_address,
                   "the same for one peer address")
        ->type_name("COUNT")
        ->capture_default_str();
    app.add_option("--threads", texts.threads,
                   "event loops, each on a thread of its own, that share every address; "
                   "1 to 1024")
        ->type_name("COUNT")
        ->capture_default_str();
    app.add_option("--icmp", texts.icmp,
                   "answers on --udp that were refused: ignore them, or report them by --stats")
        ->type_name("POLICY")
        ->check(CLI::IsMember({"ignore", "report"}))
        ->capture_default_str();
    app.add_flag("--stats", arguments.prints_stats,
                 "print counters to standard error once a second, and a line for each connection "
                 "on SIGUSR1");
    app.add_flag("--report-ends", arguments.reports_ends,
                 "print how each --tcp connection has ended that did not end in order");
}

std::vector<Endpoint> parse_endpoints(const char* option, const std::vector<std::string>& texts) {
    std::vector<Endpoint> endpoints;
    for (const std::string& text : texts) {
        const auto endpoint = Endpoint::parse(text);
        if (!endpoint) refuse(fmt::format("{}: {}", option, endpoint.error().message()));
        endpoints.push_back(*endpoint);
    }
    return endpoints;
}

Duration parse_timeout(const char* option, const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration)
        refuse(fmt::format("{}: '{}' is no duration such as 500ms, 30s, 2m or 1h (at most 1000h)",
                           option, text));
    return *duration;
}

// CLI11 would take a negative number for a huge one.
std::size_t parse_limit(const char* option, const std::string& text) {
    std::size_t limit = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, limit);
    if (parsed.ec != std::errc() || parsed.ptr != end)
        refuse(fmt::format("{}: '{}' is no whole number of 0 or more", option, text));
    return limit;
}

} // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
    struct Unit {
        std::string_view name;
        std::chrono::milliseconds length;
    };
    using std::chrono_literals::operator""ms;
    constexpr std::array<Unit, 4> units{
        {{"ms", 1ms}, {"s", 1'000ms}, {"m", 60'000ms}, {"h", 3'600'000ms}}};
    constexpr std::chrono::milliseconds longest = std::chrono::hours(1'000);

    std::uint64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, count);
    if (parsed.ec != std::errc()) return std::nullopt;
    const std::string_view name(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
    for (const Unit& unit : units)
        if (name == unit.name && count <= static_cast<std::uint64_t>(longest / unit.length))
            return static_cast<std::int64_t>(count) * unit.length;
    return std::nullopt;
}

// Asked for most when something lacks, memory perhaps: so it needs none.
void complain(std::string_view message) noexcept {
    constexpr std::size_t most_bytes = 4096;
    std::array<char, most_bytes> line;
    std::size_t size = 0;
    const auto append = [&](std::string_view text) {
        if (text.size() >= line.size() - size) return; // the end of a very long line is lost
        size += text.copy(line.data() + size, text.size());
    };
    append("echo_server: ");
    for (const char& byte : message) {
        // Arguments may hold anything; a terminal should not be told to do anything by them.
        constexpr std::string_view digits = "0123456789abcdef";
        const auto value = static_cast<unsigned char>(byte);
        const std::array<char, 4> escaped{'\\', 'x', digits[value >> 4], digits[value & 0xf]};
        const bool is_plain = value >= 0x20 && value < 0x7f;
        append(is_plain ? std::string_view(&byte, 1)
                        : std::string_view(escaped.data(), escaped.size()));
    }
    line[size++] = '\n';
    std::fwrite(line.data(), 1, size, stderr);
}

std::optional<Arguments> parse_arguments(int argc, const char* const* argv) {
    Arguments arguments;
    Texts texts;
    CLI::App app(description, "echo_server");
    add_options(app, arguments, texts);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        app.exit(help);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        refuse(error.what());
    }
    arguments.tcp = parse_endpoints("--tcp", texts.tcp);
    arguments.udp = parse_endpoints("--udp", texts.udp);
    arguments.tls = parse_endpoints("--tls", texts.tls);
    if (arguments.tcp.empty() && arguments.udp.empty() && arguments.tls.empty())
        refuse("nothing to listen on: give --tcp, --tls or --udp");
    const bool has_tls_options =
        !arguments.certificate_file.empty() || !arguments.client_ca_file.empty() ||
        !arguments.application_protocols.empty() || arguments.uses_openssl_config;
    if (has_tls_options && arguments.tls.empty()) refuse("options of TLS, but no --tls");
    arguments.idle_timeout = parse_timeout("--idle-timeout", texts.idle_timeout);
    arguments.max_connections = parse_limit("--max-connections", texts.max_connections);
    arguments.threads = parse_limit("--threads", texts.threads);
    if (arguments.threads == 0 || arguments.threads > tidemill::LoopPool::most_loops)
        refuse(fmt::format("--threads: '{}' is not from 1 to {}", texts.threads,
                           tidemill::LoopPool::most_loops));
    if (texts.icmp == "report") arguments.icmp = tidemill::IcmpPolicy::report;
    arguments.max_connections_per_address =
        parse_limit("--max-connections-per-address", texts.max_connections_per_address);
    return arguments;
}

} // namespace echo_server
