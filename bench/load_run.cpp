#include "load_client.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace tidemill_bench {
namespace {

constexpr std::size_t most_samples = 4'000'000;
constexpr double stuck_after_ns = 10e9;
constexpr double datagram_lost_after_ns = 1e9;

double clock_ns(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "load_client: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

struct Connection {
    int socket = -1;
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t late = 0; ///< datagrams given up, which may come all the same
    double began_ns = 0;    ///< when the message that is now awaited was sent
};

class Load {
public:
    explicit Load(const LoadOptions& options);
    LoadReport run();

private:
    void connect(Connection& connection);
    void reconnect(Connection& connection);
    void send(Connection& connection);
    void on_readable(Connection& connection);
    void verify(Connection& connection, const char* data, std::size_t size);
    void verify_datagram(Connection& connection, const char* data, std::size_t size);
    void message_done(Connection& connection);
    void replace_lost_datagrams();
    void turn();
    void begin_measuring();
    [[nodiscard]] bool is_over() const;
    // The byte at a position of a connection's stream; 251 is prime, so no shift looks right.
    [[nodiscard]] char expected(const Connection& connection, std::uint64_t position) const {
        const auto index = static_cast<std::uint64_t>(&connection - connections_.data());
        return pattern_[(position + index * 17) % 251];
    }

    LoadOptions options_;
    int epoll_;
    std::vector<Connection> connections_;
    std::vector<int> idle_;
    std::vector<char> pattern_;
    std::vector<char> buffer_;
    std::vector<epoll_event> events_;
    std::vector<float> samples_us_;
    LoadReport report_;
    double measure_from_ns_ = 0;
    double last_progress_ns_ = 0;
    double last_search_ns_ = 0; ///< for lost datagrams
    double server_cpu_from_ns_ = 0;
    double client_cpu_from_ns_ = 0;
    double now_ns_ = 0;
    bool is_measuring_ = false;
};

Load::Load(const LoadOptions& options)
    : options_(options), epoll_(::epoll_create1(0)), connections_(options.connections),
      pattern_(251 + options.message_bytes), buffer_(512 * 1024), events_(1024) {
    for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<char>(i % 251);
    for (std::size_t i = 0; i < options.idle_connections; ++i) {
        Connection idle;
        connect(idle);
        idle_.push_back(idle.socket);
    }
    for (Connection& connection : connections_) connect(connection);
}

void Load::connect(Connection& connection) {
    const int kind = options_.is_udp ? SOCK_DGRAM : SOCK_STREAM;
    connection.socket = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (connection.socket < 0) give_up("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        give_up("connect");
    const int on = 1;
    if (!options_.is_udp) ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Load::reconnect(Connection& connection) {
    ::close(connection.socket);
    const double began_ns = connection.began_ns;
    connection = {};
    connect(connection);
    connection.began_ns = began_ns;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
}

// Sends the next message. The client keeps at most depth messages in flight, fewer than the buffers
// of the two kernels hold, so a blocking send does not block for long.
void Load::send(Connection& connection) {
    const auto index = static_cast<std::uint64_t>(&connection - connections_.data());
    const char* data = &pattern_[(connection.sent_bytes + index * 17) % 251];
    std::size_t left = options_.message_bytes;
    connection.began_ns = now_ns_;
    while (left > 0) {
        const ssize_t sent = ::send(connection.socket, data, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) {
            ++report_.errors;
            return;
        }
        data += sent;
        left -= static_cast<std::size_t>(sent);
    }
    connection.sent_bytes += options_.message_bytes;
}

void Load::on_readable(Connection& connection) {
    const ssize_t received =
        ::recv(connection.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (received <= 0) {
        if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
        ++report_.errors; // a refused datagram is replaced like a lost one
        if (!options_.is_udp) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.socket, nullptr);
        return;
    }
    const auto size = static_cast<std::size_t>(received);
    options_.is_udp ? verify_datagram(connection, buffer_.data(), size)
                    : verify(connection, buffer_.data(), size);
}

void Load::verify(Connection& connection, const char* data, std::size_t size) {
    // The pattern repeats every 251 bytes, so whole runs are compared at once.
    std::size_t done = 0;
    while (done < size) {
        const std::size_t run = std::min(size - done, options_.message_bytes);
        const auto index = static_cast<std::uint64_t>(&connection - connections_.data());
        const char* want = &pattern_[(connection.received_bytes + index * 17) % 251];
        if (std::memcmp(data + done, want, run) != 0) ++report_.errors;
        const std::uint64_t before = connection.received_bytes / options_.message_bytes;
        connection.received_bytes += run;
        done += run;
        if (connection.received_bytes / options_.message_bytes > before) message_done(connection);
    }
    if (is_measuring_) report_.verified_bytes += size;
}

// One datagram is one message, and must have its length. One that belongs to a later message than
// the next means that those between are lost; one that belongs to none comes late.
void Load::verify_datagram(Connection& connection, const char* data, std::size_t size) {
    const auto index = static_cast<std::uint64_t>(&connection - connections_.data());
    unsigned long long lost = 0;
    for (std::uint64_t position = connection.received_bytes; position < connection.sent_bytes;
         position += options_.message_bytes, ++lost) {
        const char* want = &pattern_[(position + index * 17) % 251];
        if (size != options_.message_bytes || std::memcmp(data, want, size) != 0) continue;
        report_.errors += lost;
        if (is_measuring_) report_.verified_bytes += size;
        connection.received_bytes = position + options_.message_bytes;
        for (; lost > 0; --lost) send(connection);
        return message_done(connection);
    }
    if (connection.late > 0) {
        --connection.late; // an error already
    } else {
        ++report_.errors;
    }
}

// Nobody sends a lost datagram again: without this its connection would be silent for ever.
void Load::replace_lost_datagrams() {
    if (now_ns_ - last_search_ns_ < datagram_lost_after_ns / 4) return;
    last_search_ns_ = now_ns_;
    for (Connection& connection : connections_) {
        if (now_ns_ - connection.began_ns < datagram_lost_after_ns) continue;
        const std::uint64_t missing = connection.sent_bytes - connection.received_bytes;
        const std::uint64_t lost = missing / options_.message_bytes;
        report_.errors += std::max<std::uint64_t>(lost, 1);
        connection.late += lost;
        connection.received_bytes = connection.sent_bytes;
        for (std::size_t i = 0; i < options_.depth; ++i) send(connection);
    }
}

void Load::message_done(Connection& connection) {
    last_progress_ns_ = now_ns_;
    if (is_measuring_) {
        ++report_.messages;
        if (samples_us_.size() < most_samples)
            samples_us_.push_back(static_cast<float>((now_ns_ - connection.began_ns) / 1000));
    }
    if (options_.reconnects) reconnect(connection);
    send(connection);
}

void Load::turn() {
    const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 1000);
    now_ns_ = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < count; ++i)
        on_readable(*static_cast<Connection*>(events_[static_cast<std::size_t>(i)].data.ptr));
    if (options_.is_udp) replace_lost_datagrams();
}

void Load::begin_measuring() {
    is_measuring_ = true;
    measure_from_ns_ = clock_ns(CLOCK_MONOTONIC);
    if (options_.server_pid > 0) server_cpu_from_ns_ = cpu_time_ns(options_.server_pid);
    client_cpu_from_ns_ = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

bool Load::is_over() const {
    if (options_.most_messages > 0 && report_.messages >= options_.most_messages) return true;
    return is_measuring_ && now_ns_ - measure_from_ns_ >= options_.seconds * 1e9;
}

LoadReport Load::run() {
    now_ns_ = clock_ns(CLOCK_MONOTONIC);
    last_progress_ns_ = now_ns_;
    const double start_ns = now_ns_;
    for (Connection& connection : connections_) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &connection;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
        for (std::size_t i = 0; i < options_.depth; ++i) send(connection);
    }
    while (!is_over()) {
        turn();
        if (!is_measuring_ && now_ns_ - start_ns >= options_.warm_up_seconds * 1e9)
            begin_measuring();
        if (now_ns_ - last_progress_ns_ > stuck_after_ns) {
            ++report_.errors;
            break;
        }
    }
    report_.connections = connections_.size();
    report_.seconds = (clock_ns(CLOCK_MONOTONIC) - measure_from_ns_) / 1e9;
    report_.client_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - client_cpu_from_ns_;
    if (options_.server_pid > 0)
        report_.server_cpu_ns = cpu_time_ns(options_.server_pid) - server_cpu_from_ns_;
    if (!samples_us_.empty()) {
        std::sort(samples_us_.begin(), samples_us_.end());
        report_.p50_us = samples_us_[samples_us_.size() / 2];
        report_.p99_us = samples_us_[samples_us_.size() * 99 / 100];
    }
    return report_;
}

// One core and one real-time priority for client and server: each then runs until it has nothing
// left to do, so every server finds the same batches.
void enter_lockstep(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(core), &cores);
    if (::sched_setaffinity(0, sizeof cores, &cores) != 0) give_up("sched_setaffinity");
    const sched_param priority{10};
    if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        std::fprintf(stderr, "load_client: no real-time priority; figures are less exact\n");
}

} // namespace

LoadReport run_load(const LoadOptions& options) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (options.core >= 0) enter_lockstep(options.core);
    return Load(options).run();
}

} // namespace tidemill_bench
