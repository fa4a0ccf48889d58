// What every server of the benchmark says when it is ready, in the words of raw_epoll_echo.
//
// Asio never raises SIGPIPE; libuv and libevent tell their users to ignore it.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace peers {

constexpr int read_buffer_bytes = 64 * 1024;
constexpr int backlog = 4096;

inline int port_argument(int argc, char** argv) { return argc > 1 ? std::atoi(argv[1]) : 0; }

inline void announce(int port, const char* protocol = "tcp") {
    std::printf("listening %s 127.0.0.1:%d\n", protocol, port);
    std::fflush(stdout);
    std::signal(SIGPIPE, SIG_IGN);
}

} // namespace peers
