// The client's end of one connection, plain or behind TLS.
//
// load_client is linked with the one, tls_load_client with the other: the load and its checks are
// the same source.
#pragma once

#include "load_client.hpp"
#include <memory>
#include <sys/types.h>

namespace tidemill_bench {

struct TlsEnd;

struct Wire {
    Wire();
    Wire(Wire&& other) noexcept;
    Wire& operator=(Wire&& other) noexcept;
    ~Wire();

    int socket = -1;
    std::unique_ptr<TlsEnd> tls; ///< null: plain
};

/// A new connection. `place` is the same for those that follow each other. TLS begins its
/// handshake and waits for nothing.
[[nodiscard]] Wire open_wire(const LoadOptions& options, std::size_t place);

/// Sends all of it, or gives false. During a handshake the bytes are remembered where they lie, and
/// sent when it is complete.
[[nodiscard]] bool send_all(Wire& wire, const char* data, std::size_t size);

/// As recv() does it: 0 is the end, -1 with EAGAIN that nothing has come. With `waits` it waits
/// for 10 s at most, and may all the same have nothing.
[[nodiscard]] ssize_t receive(Wire& wire, char* into, std::size_t size, bool waits = false);

/// There may be more to receive, of which the socket does not tell.
[[nodiscard]] bool has_more(const Wire& wire);

/// Announces the end and closes.
void close_wire(Wire& wire);

/// The same, but the server has ended before.
void finish_wire(Wire& wire);

} // namespace tidemill_bench
