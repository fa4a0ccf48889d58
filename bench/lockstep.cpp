// How the client runs and how it connects: the parts of it that fail in ways of their own.
//
// In lockstep, client and server share one core and one real-time priority: each runs until it has
// nothing left to do, so every server finds the same batches. A process of that priority which
// never waits would keep the core for ever, so both an alarm and the system's limit on real-time
// CPU end this one.
#include "load_client.hpp"
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemill_bench {
namespace {

constexpr unsigned longest_setup_s = 60;
constexpr rlim_t longest_real_time_stretch_us = 5'000'000;
constexpr timeval longest_blocking_call{10, 0};

void raise_limit_of_open_files() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

} // namespace

void give_up(const char* what) {
    std::fprintf(stderr, "load_client: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

void enter_lockstep(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(core), &cores);
    if (::sched_setaffinity(0, sizeof cores, &cores) != 0) give_up("sched_setaffinity");
    const rlimit stretch{longest_real_time_stretch_us, longest_real_time_stretch_us};
    ::setrlimit(RLIMIT_RTTIME, &stretch);
    const sched_param priority{10};
    if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        std::fprintf(stderr, "load_client: no real-time priority; figures are less exact\n");
}

void prepare_process(const LoadOptions& options) {
    raise_limit_of_open_files();
    ::alarm(static_cast<unsigned>(options.warm_up_seconds + options.seconds) + longest_setup_s);
    if (options.core >= 0) enter_lockstep(options.core);
}

int open_connection(const LoadOptions& options) {
    const int kind = options.is_udp ? SOCK_DGRAM : SOCK_STREAM;
    const int socket = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (socket < 0) give_up("socket");
    // A server that is stuck must not make the client wait for ever.
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &longest_blocking_call, sizeof(timeval));
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &longest_blocking_call, sizeof(timeval));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        give_up("connect");
    const int on = 1;
    if (!options.is_udp) ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

} // namespace tidemill_bench
