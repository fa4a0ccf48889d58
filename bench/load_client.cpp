// Drives an echo server, checks every byte, and says what that cost both sides.
//
// Every idle connection has been answered once before anything is measured. One thread on epoll, so
// that the client's work is the same whatever server it talks to: the ratio of the server's CPU
// time to the client's in the same second cancels the noise of the machine. Each connection sends a
// message whose bytes tell the connection and the position, waits for the whole echo, compares, and
// goes on.

#include "load_client.hpp"
#include <CLI/CLI.hpp>
#include <cstdio>

namespace {

tidemill_bench::LoadOptions parse(int argc, char** argv) {
    tidemill_bench::LoadOptions options;
    CLI::App app{"Drives an echo server and checks every byte"};
    app.add_option("port", options.port, "TCP or UDP port on 127.0.0.1")->required();
    app.add_flag("--udp", options.is_udp, "datagrams instead of a stream");
    app.add_option("--connections", options.connections, "active connections")
        ->check(CLI::PositiveNumber);
    app.add_option("--idle", options.idle_connections, "further connections that stay silent");
    app.add_option("--bytes", options.message_bytes, "size of a message")
        ->check(CLI::Range(1, 1 << 20));
    app.add_option("--depth", options.depth, "messages in flight on each connection");
    app.add_option("--seconds", options.seconds, "how long to measure");
    app.add_option("--warm-up", options.warm_up_seconds, "seconds before that");
    app.add_option("--messages", options.most_messages, "stop after that many (0: by time)");
    app.add_flag("--reconnect", options.reconnects, "a new connection for each message");
    app.add_flag("--resume", options.resumes, "with the TLS session of the one before it");
    app.add_flag("--hold", options.holds,
                 "open the connections, say so, then wait for the end of standard input");
    app.add_option("--server", options.server_pid, "process whose CPU time is reported");
    app.add_option("--core", options.core, "run on this core, in lockstep with a server there");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? 0 : 2);
    }
    return options;
}

} // namespace

int main(int argc, char** argv) {
    const auto report = tidemill_bench::run_load(parse(argc, argv));
    std::printf("{\"connections\": %zu, \"messages\": %llu, \"verified_bytes\": %llu, "
                "\"errors\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, "
                "\"p50_us\": %.1f, \"p99_us\": %.1f, \"server_cpu_us\": %.3f, "
                "\"client_cpu_us\": %.3f}\n",
                report.connections, report.messages, report.verified_bytes, report.errors,
                report.seconds, report.messages_per_second(), report.p50_us, report.p99_us,
                report.server_cpu_us_per_message(), report.client_cpu_us_per_message());
    return report.errors == 0 && report.messages > 0 ? 0 : 1;
}
