// The load on a UDP echo server.
//
// One socket, a fixed number of datagrams in flight. Plain, each answer is one recv and calls forth
// one send, so the client's work is the same whatever the server does. With --gso a whole window is
// sent as one run (UDP_SEGMENT), answers may come put together (UDP_GRO), and the next window
// leaves when all of them are there. A datagram's bytes tell its number; a lost one is an error.

#include "udp_load.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <vector>

namespace tidemill_bench {
namespace {

constexpr int lost_after_ms = 1000;

class UdpLoad {
public:
    explicit UdpLoad(const UdpLoadOptions& options);
    LoadReport run();

private:
    void send(unsigned long long number);
    void send_window();
    void take_all();
    void take(const char* data, std::size_t size, std::size_t segment);
    void check(const char* data, std::size_t size);
    void begin_again();
    void fill(char* into, unsigned long long number) const;

    UdpLoadOptions options_;
    int socket_;
    int epoll_;
    std::vector<char> out_;
    std::vector<char> in_;
    std::vector<char> wanted_;
    unsigned long long next_ = 0;     ///< to be sent
    unsigned long long expected_ = 0; ///< to come; the loopback keeps the order
    LoadReport report_;
    bool is_measuring_ = false;
};

UdpLoad::UdpLoad(const UdpLoadOptions& options)
    : options_(options), socket_(open_connection(options)), epoll_(::epoll_create1(0)),
      out_(options.window * options.message_bytes), in_(std::size_t{1} << 17),
      wanted_(options.message_bytes) {
    const int on = 1;
    if (options.uses_gso && ::setsockopt(socket_, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0)
        give_up("UDP_GRO");
    const int segment = static_cast<int>(options.message_bytes);
    if (options.uses_gso &&
        ::setsockopt(socket_, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0)
        give_up("UDP_SEGMENT");
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_, &event);
}

void UdpLoad::fill(char* into, unsigned long long number) const {
    std::memset(into, static_cast<int>(number % 251), options_.message_bytes);
    std::memcpy(into, &number, std::min(sizeof number, options_.message_bytes));
}

void UdpLoad::send(unsigned long long number) {
    fill(out_.data(), number);
    if (::send(socket_, out_.data(), options_.message_bytes, 0) < 0) ++report_.errors;
}

void UdpLoad::send_window() {
    if (!options_.uses_gso) {
        for (std::size_t i = 0; i < options_.window; ++i) send(next_++);
        return;
    }
    for (std::size_t i = 0; i < options_.window; ++i)
        fill(out_.data() + i * options_.message_bytes, next_++);
    if (::send(socket_, out_.data(), out_.size(), 0) < 0) give_up("a run of datagrams");
}

void UdpLoad::check(const char* data, std::size_t size) {
    fill(wanted_.data(), expected_++);
    if (size != wanted_.size() || std::memcmp(data, wanted_.data(), size) != 0) ++report_.errors;
    if (is_measuring_) {
        ++report_.messages;
        report_.verified_bytes += size;
    }
}

void UdpLoad::take(const char* data, std::size_t size, std::size_t segment) {
    for (std::size_t at = 0; at < size; at += segment)
        check(data + at, std::min(segment, size - at));
    if (!options_.uses_gso) return send(next_++);
    if (expected_ == next_) send_window();
}

// At most a window: what its answers call forth is not waited for.
void UdpLoad::take_all() {
    for (std::size_t i = 0; i < options_.window; ++i) {
        alignas(cmsghdr) std::array<char, 64> control;
        iovec vector{in_.data(), in_.size()};
        msghdr message{};
        message.msg_iov = &vector;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = options_.uses_gso ? control.size() : 0;
        const ssize_t bytes = ::recvmsg(socket_, &message, MSG_DONTWAIT);
        if (bytes < 0) return;
        int segment = static_cast<int>(bytes);
        const cmsghdr* const told = CMSG_FIRSTHDR(&message);
        if (told != nullptr && told->cmsg_type == UDP_GRO)
            std::memcpy(&segment, CMSG_DATA(told), sizeof segment);
        take(in_.data(), static_cast<std::size_t>(bytes), static_cast<std::size_t>(segment));
    }
}

// Something was lost: count it, and start with a new window.
void UdpLoad::begin_again() {
    report_.errors += next_ - expected_;
    expected_ = next_;
    send_window();
}

LoadReport UdpLoad::run() {
    const double start_ns = clock_ns(CLOCK_MONOTONIC);
    double measured_from_ns = 0;
    double server_ns = 0;
    double client_ns = 0;
    send_window();
    for (double now_ns = start_ns;; now_ns = clock_ns(CLOCK_MONOTONIC)) {
        const bool is_over = is_measuring_ && now_ns - measured_from_ns >= options_.seconds * 1e9;
        const bool is_enough =
            options_.most_messages > 0 && report_.messages >= options_.most_messages;
        if (is_over || is_enough || report_.errors > 1000) break;
        if (!is_measuring_ && now_ns - start_ns >= options_.warm_up_seconds * 1e9) {
            is_measuring_ = true;
            measured_from_ns = now_ns;
            server_ns = cpu_time_ns(options_.server_pid);
            client_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        }
        epoll_event event{};
        ::epoll_wait(epoll_, &event, 1, lost_after_ms) > 0 ? take_all() : begin_again();
    }
    report_.connections = 1;
    report_.seconds = (clock_ns(CLOCK_MONOTONIC) - measured_from_ns) / 1e9;
    report_.client_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - client_ns;
    if (options_.server_pid > 0)
        report_.server_cpu_ns = cpu_time_ns(options_.server_pid) - server_ns;
    return report_;
}

} // namespace

LoadReport run_udp_load(const UdpLoadOptions& options) { return UdpLoad(options).run(); }

} // namespace tidemill_bench
