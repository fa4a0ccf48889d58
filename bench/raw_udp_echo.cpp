// The floors of UDP: echo servers written by hand, with nothing that an echo does not need.
//
//     raw_udp_echo PORT loop     recvfrom and sendto until it would block
//     raw_udp_echo PORT mmsg     recvmmsg and sendmmsg, 64 at a time
//     raw_udp_echo PORT gso      the same, with UDP_GRO for what comes and UDP_SEGMENT for answers
//
// What came together leaves together, out of the memory that it came into.

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t most_messages = 64;
constexpr std::size_t message_bytes = 64 * 1024;
constexpr std::size_t stride = message_bytes + 64; // spreads the messages over the cache's sets

int bind_on_loopback(int port) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0) {
        std::perror("raw_udp_echo");
        std::exit(1);
    }
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening udp 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return socket;
}

void echo_each(int socket) {
    static std::array<char, message_bytes> buffer;
    sockaddr_in sender;
    for (;;) {
        socklen_t size = sizeof sender;
        auto* const address = reinterpret_cast<sockaddr*>(&sender);
        const ssize_t bytes = ::recvfrom(socket, buffer.data(), buffer.size(), 0, address, &size);
        if (bytes < 0) return;
        ::sendto(socket, buffer.data(), static_cast<std::size_t>(bytes), 0, address, size);
    }
}

struct alignas(cmsghdr) Control {
    std::array<char, 64> bytes;
};

class Batches {
public:
    explicit Batches(bool uses_runs) : uses_runs_(uses_runs), memory_(most_messages * stride) {
        for (std::size_t i = 0; i < most_messages; ++i) {
            vectors_[i].iov_base = memory_.data() + i * stride;
            msghdr& header = headers_[i].msg_hdr;
            header = {};
            header.msg_name = &senders_[i];
            header.msg_iov = &vectors_[i];
            header.msg_iovlen = 1;
            reset(i);
        }
    }
    void echo(int socket) {
        const int count = ::recvmmsg(socket, headers_.data(), most_messages, 0, nullptr);
        if (count <= 0) return;
        const auto filled = static_cast<std::size_t>(count);
        for (std::size_t i = 0; i < filled; ++i) {
            vectors_[i].iov_len = headers_[i].msg_len;
            uses_runs_ ? answer_as_run(headers_[i].msg_hdr) : nothing_to_tell(headers_[i].msg_hdr);
        }
        for (std::size_t sent = 0; sent < filled;) {
            const int more =
                ::sendmmsg(socket, &headers_[sent], static_cast<unsigned>(filled - sent), 0);
            sent += more > 0 ? static_cast<std::size_t>(more) : 1;
        }
        for (std::size_t i = 0; i < filled; ++i) reset(i);
    }

private:
    static void nothing_to_tell(msghdr& header) { header.msg_controllen = 0; }
    // UDP_GRO tells the size as an int, UDP_SEGMENT wants a short.
    static void answer_as_run(msghdr& header) {
        cmsghdr* const control = CMSG_FIRSTHDR(&header);
        if (control == nullptr || control->cmsg_type != UDP_GRO) return nothing_to_tell(header);
        int size = 0;
        std::memcpy(&size, CMSG_DATA(control), sizeof size);
        const auto segment = static_cast<std::uint16_t>(size);
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof segment);
        std::memcpy(CMSG_DATA(control), &segment, sizeof segment);
        header.msg_controllen = CMSG_SPACE(sizeof segment);
    }
    void reset(std::size_t i) {
        vectors_[i].iov_len = message_bytes;
        msghdr& header = headers_[i].msg_hdr;
        header.msg_namelen = sizeof senders_[i];
        header.msg_control = uses_runs_ ? &controls_[i] : nullptr;
        header.msg_controllen = uses_runs_ ? sizeof controls_[i] : 0;
    }

    bool uses_runs_;
    std::vector<char> memory_;
    std::array<mmsghdr, most_messages> headers_{};
    std::array<iovec, most_messages> vectors_{};
    std::array<sockaddr_in, most_messages> senders_{};
    std::array<Control, most_messages> controls_{};
};

} // namespace

int main(int argc, char** argv) {
    const int socket = bind_on_loopback(argc > 1 ? std::atoi(argv[1]) : 0);
    const char* const mode = argc > 2 ? argv[2] : "loop";
    const bool uses_runs = std::strcmp(mode, "gso") == 0;
    const bool uses_batches = uses_runs || std::strcmp(mode, "mmsg") == 0;
    const int on = 1;
    if (uses_runs) ::setsockopt(socket, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    Batches batches(uses_runs);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    for (;;) {
        if (::epoll_wait(epoll, &event, 1, -1) <= 0) continue;
        uses_batches ? batches.echo(socket) : echo_each(socket);
    }
}
