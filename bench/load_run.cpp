#include "load_client.hpp"
#include "wire.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace tidemill_bench {
namespace {

constexpr std::size_t most_samples = 2'000'000;
constexpr std::size_t most_unaccepted = 64; ///< no server has a shorter queue than that
constexpr double stuck_after_ns = 10e9;
constexpr double datagram_lost_after_ns = 1e9;

struct Connection {
    Wire wire;
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t late = 0; ///< datagrams given up, which may come all the same
};

class Load {
public:
    explicit Load(const LoadOptions& options);
    LoadReport run();
    LoadReport hold();

private:
    void greet(Connection& connection);
    void reconnect(Connection& connection);
    void watch(Connection& connection);
    void send(Connection& connection);
    [[nodiscard]] bool on_readable(Connection& connection);
    std::size_t count(Connection& connection, const char* data, std::size_t size);
    void verify(Connection& connection, const char* data, std::size_t size);
    void verify_datagram(Connection& connection, const char* data, std::size_t size);
    void message_done(Connection& connection, std::uint64_t position);
    void replace_lost_datagrams();
    void turn();
    void begin_measuring();
    [[nodiscard]] bool is_over() const;
    /// What a connection's stream holds from a position on, for one message. Another connection
    /// and another position hold something else: 251 is prime.
    [[nodiscard]] const char* content(const Connection& connection, std::uint64_t position) const {
        return &pattern_[(position + index_of(connection) * 17) % 251];
    }
    [[nodiscard]] std::size_t index_of(const Connection& connection) const {
        return static_cast<std::size_t>(&connection - connections_.data());
    }
    /// When the message at a position of a connection's stream was sent.
    [[nodiscard]] double& sent_at_ns(const Connection& connection, std::uint64_t position) {
        const std::uint64_t message = position / options_.message_bytes;
        return sent_at_ns_[index_of(connection) * options_.depth + message % options_.depth];
    }

    LoadOptions options_;
    int epoll_;
    std::vector<Connection> connections_;
    std::vector<double> sent_at_ns_; ///< `depth` for each connection
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
    : options_(options), epoll_(::epoll_create1(0)),
      connections_(options.connections + options.idle_connections),
      sent_at_ns_(connections_.size() * options.depth), pattern_(251 + options.message_bytes),
      buffer_(512 * 1024), events_(1024) {
    for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<char>(i % 251);
    samples_us_.reserve(most_samples);
    for (Connection& connection : connections_) {
        connection.wire = open_wire(options_, index_of(connection));
        const auto number = index_of(connection) + 1;
        // What the server has answered it has also accepted, so its queue never overflows.
        const bool is_idle = options.holds || number > options.connections;
        if (!options.is_udp && (is_idle || number % most_unaccepted == 0)) greet(connection);
    }
    if (options.idle_connections == 0 && !options.is_udp) greet(connections_.back());
}

// One message there and back, with calls that block.
void Load::greet(Connection& connection) {
    const double limit_ns = clock_ns(CLOCK_MONOTONIC) + stuck_after_ns;
    send(connection);
    while (connection.received_bytes < connection.sent_bytes) {
        const ssize_t received = receive(connection.wire, buffer_.data(), buffer_.size(), true);
        if (received < 0 && errno == EAGAIN && clock_ns(CLOCK_MONOTONIC) < limit_ns) continue;
        if (received <= 0) give_up("no answer to the first message of a connection");
        count(connection, buffer_.data(), static_cast<std::size_t>(received));
    }
}

void Load::reconnect(Connection& connection) {
    close_wire(connection.wire);
    connection = {};
    connection.wire = open_wire(options_, index_of(connection));
    watch(connection);
}

void Load::watch(Connection& connection) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.wire.socket, &event);
}

// Sends the next message. The client keeps at most depth messages in flight, fewer than the buffers
// of the two kernels hold, so a blocking send does not block for long.
void Load::send(Connection& connection) {
    const char* data = content(connection, connection.sent_bytes);
    sent_at_ns(connection, connection.sent_bytes) = now_ns_;
    if (!send_all(connection.wire, data, options_.message_bytes)) {
        ++report_.errors;
        return;
    }
    connection.sent_bytes += options_.message_bytes;
}

// True if there may be more, of which the system does not tell.
bool Load::on_readable(Connection& connection) {
    const ssize_t received = receive(connection.wire, buffer_.data(), buffer_.size());
    if (received <= 0) {
        if (received < 0 && (errno == EAGAIN || errno == EINTR)) return false;
        ++report_.errors; // a refused datagram is replaced like a lost one
        if (!options_.is_udp) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.wire.socket, nullptr);
        return false;
    }
    const auto size = static_cast<std::size_t>(received);
    options_.is_udp ? verify_datagram(connection, buffer_.data(), size)
                    : verify(connection, buffer_.data(), size);
    return has_more(connection.wire);
}

// Compares what came and gives the number of messages that it completes.
std::size_t Load::count(Connection& connection, const char* data, std::size_t size) {
    const std::uint64_t before = connection.received_bytes / options_.message_bytes;
    // The pattern repeats every 251 bytes, so whole runs are compared at once.
    for (std::size_t done = 0; done < size;) {
        const std::size_t run = std::min(size - done, options_.message_bytes);
        const char* want = content(connection, connection.received_bytes);
        if (std::memcmp(data + done, want, run) != 0) ++report_.errors;
        connection.received_bytes += run;
        done += run;
    }
    return connection.received_bytes / options_.message_bytes - before;
}

void Load::verify(Connection& connection, const char* data, std::size_t size) {
    std::uint64_t position = connection.received_bytes / options_.message_bytes;
    position *= options_.message_bytes;
    std::size_t completed = count(connection, data, size);
    if (connection.received_bytes > connection.sent_bytes) ++report_.errors;
    if (is_measuring_) report_.verified_bytes += size;
    for (; completed > 0; --completed, position += options_.message_bytes)
        message_done(connection, position);
}

// One datagram is one message, and must have its length. One that belongs to a later message than
// the next means that those between are lost; one that belongs to none comes late.
void Load::verify_datagram(Connection& connection, const char* data, std::size_t size) {
    unsigned long long lost = 0;
    for (std::uint64_t position = connection.received_bytes; position < connection.sent_bytes;
         position += options_.message_bytes, ++lost) {
        const char* want = content(connection, position);
        if (size != options_.message_bytes || std::memcmp(data, want, size) != 0) continue;
        report_.errors += lost;
        if (is_measuring_) report_.verified_bytes += size;
        connection.received_bytes = position + options_.message_bytes;
        for (; lost > 0; --lost) send(connection);
        return message_done(connection, position);
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
    for (std::size_t i = 0; i < options_.connections; ++i) {
        Connection& connection = connections_[i];
        if (now_ns_ - sent_at_ns(connection, connection.received_bytes) < datagram_lost_after_ns)
            continue;
        const std::uint64_t missing = connection.sent_bytes - connection.received_bytes;
        const std::uint64_t lost = missing / options_.message_bytes;
        report_.errors += std::max<std::uint64_t>(lost, 1);
        connection.late += lost;
        connection.received_bytes = connection.sent_bytes;
        for (std::size_t k = 0; k < options_.depth; ++k) send(connection);
    }
}

void Load::message_done(Connection& connection, std::uint64_t position) {
    last_progress_ns_ = now_ns_;
    if (is_measuring_) {
        ++report_.messages;
        if (samples_us_.size() < most_samples)
            samples_us_.push_back(
                static_cast<float>((now_ns_ - sent_at_ns(connection, position)) / 1000));
    }
    if (options_.reconnects) reconnect(connection);
    send(connection);
}

void Load::turn() {
    const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 1000);
    now_ns_ = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        while (on_readable(*static_cast<Connection*>(event.data.ptr))) {
        }
    }
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

// For whoever looks at the server while it has nothing to do.
LoadReport Load::hold() {
    std::printf("holding %zu\n", connections_.size());
    std::fflush(stdout);
    std::array<char, 64> ignored{};
    while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
    }
    for (Connection& connection : connections_) finish_wire(connection.wire);
    report_.connections = connections_.size();
    report_.messages = connections_.size();
    return report_;
}

LoadReport Load::run() {
    now_ns_ = clock_ns(CLOCK_MONOTONIC);
    last_progress_ns_ = now_ns_;
    const double start_ns = now_ns_;
    for (std::size_t i = 0; i < options_.connections; ++i) {
        watch(connections_[i]);
        for (std::size_t k = 0; k < options_.depth; ++k) send(connections_[i]);
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
    report_.connections = options_.connections;
    report_.seconds = (clock_ns(CLOCK_MONOTONIC) - measure_from_ns_) / 1e9;
    report_.client_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - client_cpu_from_ns_;
    if (options_.server_pid > 0)
        report_.server_cpu_ns = cpu_time_ns(options_.server_pid) - server_cpu_from_ns_;
    for (Connection& connection : connections_) finish_wire(connection.wire);
    if (!samples_us_.empty()) {
        std::sort(samples_us_.begin(), samples_us_.end());
        report_.p50_us = samples_us_[samples_us_.size() / 2];
        report_.p99_us = samples_us_[samples_us_.size() * 99 / 100];
    }
    return report_;
}

} // namespace

LoadReport run_load(const LoadOptions& options) {
    prepare_process(options);
    Load load(options);
    return options.holds ? load.hold() : load.run();
}

} // namespace tidemill_bench
