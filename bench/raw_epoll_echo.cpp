// The floor: a TCP echo server written by hand on epoll, with nothing that an echo does not need.
//
// Level-triggered, one recv and one send (MSG_NOSIGNAL) per event, accept4 until it would block,
// the token is the descriptor, one receive buffer. It has no limits, no deadlines and no answer to
// a peer that does not read: it waits for it. That is what the library's promises are measured
// against.
//
//     raw_epoll_echo [PORT [BUFFER_BYTES [THREADS]]]
//
// Each thread has a listener (SO_REUSEPORT), an epoll set and a buffer of its own.

#include "raw_listen.hpp"
#include <array>
#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int events_per_turn = 1024;

void watch(int epoll, int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

void accept_all(int epoll, int listener) {
    for (;;) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) return;
        watch(epoll, socket);
    }
}

// A peer that does not read makes this server wait for it alone; the benchmark's client reads.
// It must sleep meanwhile: a client on the same core, with the same real-time priority, would never
// come to read.
void send_all(int socket, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(socket, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent < 0) {
            pollfd writable{socket, POLLOUT, 0};
            ::poll(&writable, 1, -1);
            continue;
        }
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
}

struct Service {
    int listener;
    std::size_t buffer_bytes;
};

// The function of a thread.
void* serve(void* argument) {
    const auto [listener, buffer_bytes] = *static_cast<const Service*>(argument);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listener);
    std::vector<char> buffer(buffer_bytes);
    std::array<epoll_event, events_per_turn> events{};
    for (;;) {
        const int count = ::epoll_wait(epoll, events.data(), events_per_turn, -1);
        for (int i = 0; i < count; ++i) {
            const int socket = events[static_cast<std::size_t>(i)].data.fd;
            if (socket == listener) {
                accept_all(epoll, listener);
                continue;
            }
            const ssize_t received = ::recv(socket, buffer.data(), buffer.size(), 0);
            if (received > 0) {
                send_all(socket, buffer.data(), static_cast<std::size_t>(received));
            } else if (received == 0 || errno != EAGAIN) {
                ::close(socket);
            }
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    int port = argc > 1 ? std::atoi(argv[1]) : 0;
    const std::size_t buffer_bytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 64 * 1024;
    const std::size_t threads = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1;
    std::vector<Service> services;
    do services.push_back({raw::listen_on_loopback(port, threads > 1), buffer_bytes});
    while (services.size() < threads);
    raw::announce("tcp", port);
    pthread_t thread{};
    for (std::size_t i = 1; i < threads; ++i)
        ::pthread_create(&thread, nullptr, &serve, &services[i]);
    serve(&services.front());
}
