#include "wire.hpp"
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemill_bench {

struct TlsEnd {}; // of which there is none

Wire::Wire() = default;
Wire::Wire(Wire&& other) noexcept = default;
Wire& Wire::operator=(Wire&& other) noexcept = default;
Wire::~Wire() = default;

Wire open_wire(const LoadOptions& options, std::size_t) {
    Wire wire;
    wire.socket = open_connection(options);
    return wire;
}

// A blocking send does not block for long: see Load::send().
bool send_all(Wire& wire, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(wire.socket, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

ssize_t receive(Wire& wire, char* into, std::size_t size, bool waits) {
    return ::recv(wire.socket, into, size, waits ? 0 : MSG_DONTWAIT);
}

bool has_more(const Wire&) { return false; }

void close_wire(Wire& wire) { ::close(wire.socket); }

void finish_wire(Wire& wire) { ::close(wire.socket); }

} // namespace tidemill_bench
