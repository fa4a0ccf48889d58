#include "support/os.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace tidemill::support {

const OsFacts& os_facts() {
    static const OsFacts facts;
    return facts;
}

std::size_t open_descriptors() {
    std::error_code ignored;
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd", ignored),
                      std::filesystem::directory_iterator()));
}

int poll_sockets(std::span<Polled> sockets, int timeout_ms) {
    std::vector<pollfd> watched;
    for (const Polled& each : sockets) {
        const int events = (each.read ? POLLIN : 0) | (each.write ? POLLOUT : 0);
        watched.push_back({each.socket, static_cast<short>(events), 0});
    }
    const int count = ::poll(watched.data(), static_cast<nfds_t>(watched.size()), timeout_ms);
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        sockets[i].readable = (watched[i].revents & POLLIN) != 0;
        sockets[i].writable = (watched[i].revents & POLLOUT) != 0;
    }
    return count;
}

void send_urgent(NativeSocket socket) { REQUIRE(::send(socket, "!", 1, MSG_OOB) == 1); }

NativeSocket duplicate_socket(NativeSocket socket, int lowest) {
    const int copy = ::fcntl(socket, F_DUPFD_CLOEXEC, lowest);
    INFO("errno: ", errno);
    REQUIRE(copy >= lowest);
    return copy;
}

void make_foreign(NativeSocket socket) {
    REQUIRE(::fcntl(socket, F_SETFD, 0) == 0);
    const int flags = ::fcntl(socket, F_GETFL);
    REQUIRE(flags != -1);
    REQUIRE(::fcntl(socket, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

bool is_inherited(NativeSocket socket) { return (::fcntl(socket, F_GETFD) & FD_CLOEXEC) == 0; }

bool mark_outgoing(NativeSocket socket, bool is_v4, int mark) {
    return ::setsockopt(socket, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS,
                        &mark, sizeof mark) == 0;
}

bool is_beyond_select(std::size_t, NativeSocket socket) { return socket >= 1024; }

SocketLimit::SocketLimit(unsigned wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    before_ = limit.rlim_cur;
    is_granted_ = limit.rlim_max >= wanted;
    if (limit.rlim_cur >= wanted || !is_granted_) return;
    limit.rlim_cur = wanted;
    is_granted_ = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

SocketLimit::~SocketLimit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = before_;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

OsPipe::OsPipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    out_ = ends[0];
    in_ = ends[1];
}

OsPipe::~OsPipe() {
    close_in();
    if (out_ != invalid_socket) ::close(out_);
}

void OsPipe::write(std::string_view text) const {
    REQUIRE(::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::size_t OsPipe::read(std::span<char> into) const {
    const ssize_t count = ::read(out_, into.data(), into.size());
    REQUIRE(count >= 0);
    return static_cast<std::size_t>(count);
}

void OsPipe::close_in() {
    if (in_ != invalid_socket) ::close(std::exchange(in_, invalid_socket));
}

OsFile::OsFile(std::string_view text) {
    std::string name = "/tmp/tidemill.XXXXXX";
    handle_ = ::mkstemp(name.data());
    REQUIRE(handle_ != invalid_socket);
    ::unlink(name.c_str());
    REQUIRE(::write(handle_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(::lseek(handle_, 0, SEEK_SET) == 0);
}

OsFile::~OsFile() { ::close(handle_); }

} // namespace tidemill::support
