// The load: what to send, and what came of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemill_bench {

struct LoadOptions {
    int port = 0;
    bool is_udp = false;
    std::size_t connections = 50;
    std::size_t idle_connections = 0;
    std::size_t message_bytes = 64;
    std::size_t depth = 1;
    double seconds = 1.0;
    double warm_up_seconds = 0.2;
    unsigned long long most_messages = 0;
    bool reconnects = false;
    bool resumes = false; ///< each connection the TLS session of the one before it
    bool holds = false;   ///< only opens the connections, then waits for the end of its input
    int server_pid = 0;   ///< 0: the server's CPU time is not reported
    int core = -1;        ///< -1: wherever the system puts it
};

struct LoadReport {
    std::size_t connections = 0;
    unsigned long long messages = 0;
    unsigned long long verified_bytes = 0;
    unsigned long long errors = 0;
    double seconds = 0;
    double p50_us = 0;
    double p99_us = 0;
    double server_cpu_ns = 0;
    double client_cpu_ns = 0;

    [[nodiscard]] double messages_per_second() const {
        return seconds > 0 ? static_cast<double>(messages) / seconds : 0;
    }
    [[nodiscard]] double server_cpu_us_per_message() const { return per_message(server_cpu_ns); }
    [[nodiscard]] double client_cpu_us_per_message() const { return per_message(client_cpu_ns); }

private:
    [[nodiscard]] double per_message(double ns) const {
        return messages > 0 ? ns / 1000.0 / static_cast<double>(messages) : 0;
    }
};

/// Exits with a line on standard error if the server cannot be reached at all.
[[nodiscard]] LoadReport run_load(const LoadOptions& options);

/// Limits of this process, its core and priority; before anything is connected.
void prepare_process(const LoadOptions& options);

/// A connected socket that blocks, 10 s at most.
[[nodiscard]] int open_connection(const LoadOptions& options);

/// Exits with a line that tells errno.
[[noreturn]] void give_up(const char* what);

/// A clock of the system, such as CLOCK_MONOTONIC.
[[nodiscard]] double clock_ns(int clock);

/// CPU time of all threads of a process so far, by the scheduler's own account.
[[nodiscard]] double cpu_time_ns(int pid);

} // namespace tidemill_bench
