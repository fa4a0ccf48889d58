// Drives a UDP echo server, checks every byte, and says what that cost both sides.
#include "udp_load.hpp"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

namespace tidemill_bench {
namespace {

UdpLoadOptions parse(int argc, char** argv) {
    UdpLoadOptions options;
    options.is_udp = true;
    CLI::App app{"Drives a UDP echo server and checks every byte"};
    app.add_option("port", options.port, "UDP port on 127.0.0.1")->required();
    app.add_option("--window", options.window, "datagrams in flight")->check(CLI::Range(1, 64));
    app.add_option("--bytes", options.message_bytes, "of each")->check(CLI::Range(8, 1400));
    app.add_flag("--gso", options.uses_gso, "send a window as one run");
    app.add_option("--seconds", options.seconds, "how long to measure");
    app.add_option("--warm-up", options.warm_up_seconds, "seconds before that");
    app.add_option("--messages", options.most_messages, "stop after that many (0: by time)");
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
} // namespace tidemill_bench

int main(int argc, char** argv) {
    using namespace tidemill_bench;
    const UdpLoadOptions options = parse(argc, argv);
    prepare_process(options);
    const LoadReport report = run_udp_load(options);
    std::printf("{\"messages\": %llu, \"verified_bytes\": %llu, \"errors\": %llu, "
                "\"seconds\": %.3f, \"per_second\": %.0f, \"p50_us\": 0, \"p99_us\": 0, "
                "\"server_cpu_us\": %.4f, \"client_cpu_us\": %.4f}\n",
                report.messages, report.verified_bytes, report.errors, report.seconds,
                report.messages_per_second(), report.server_cpu_us_per_message(),
                report.client_cpu_us_per_message());
    return report.errors == 0 && report.messages > 0 ? 0 : 1;
}
