// What the tests ask of the operating system itself: the second opinion beside the seams. One
// implementation in tests/posix/support, one in tests/win32/support.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <tidemill/core/native.hpp>
#include <utility>

namespace tidemill::support {

/// What systems do differently (docs/behaviour.md, "Allowed differences").
struct OsFacts {
    bool is_windows = false;
    bool is_wine = false; ///< Windows programs on Linux
    /// Several sockets may share a port, and the kernel parts the load between them.
    bool has_reuse_port = true;
    /// Once a reset has come, an end that came before it may not be told any more.
    bool reset_hides_end = false;
    /// The peer of a connection that was reset is not told any more.
    bool reset_hides_peer = false;
    /// EventLoop::watch() takes sockets that the library has not made.
    bool watches_foreign_sockets = true;
};
[[nodiscard]] const OsFacts& os_facts();

/// One socket of poll_sockets(): asked for, and found.
struct Polled {
    NativeSocket socket = invalid_socket;
    bool read = false;
    bool write = false;
    bool readable = false;
    bool writable = false;
};

/// The system's own poll. The number of sockets at which something was found; an error or a hang-up
/// counts, asked for or not. The timeout is in milliseconds.
int poll_sockets(std::span<Polled> sockets, int timeout_ms);

/// How many descriptors the process has; 0 where the system does not tell, as on Windows: what
/// Wine shows are its own.
[[nodiscard]] std::size_t open_descriptors();

/// Sends one byte of urgent data.
void send_urgent(NativeSocket socket);

/// Another handle of the same socket; on POSIX of at least `lowest`.
[[nodiscard]] NativeSocket duplicate_socket(NativeSocket socket, int lowest);

/// Makes it what a program has that has done nothing about it: blocking, and inherited by children.
void make_foreign(NativeSocket socket);
[[nodiscard]] bool is_inherited(NativeSocket socket);

/// Puts a mark (`Ecn`, as a number) on what the socket sends; false where the system has no way.
[[nodiscard]] bool mark_outgoing(NativeSocket socket, bool is_v4, int mark);

/// Whether `select` refuses the socket, when it watches `watched` others already.
[[nodiscard]] bool is_beyond_select(std::size_t watched, NativeSocket socket);

/// Lets the process open `wanted` sockets; puts the limit back at the end.
class SocketLimit {
public:
    explicit SocketLimit(unsigned wanted);
    SocketLimit(const SocketLimit&) = delete;
    SocketLimit& operator=(const SocketLimit&) = delete;
    ~SocketLimit();
    /// False: the system's hard limit is lower.
    [[nodiscard]] bool is_granted() const noexcept { return is_granted_; }

private:
    [[maybe_unused]] unsigned long before_ = 0;
    bool is_granted_ = true;
};

/// A pipe. No child process inherits it.
class OsPipe {
public:
    OsPipe();
    OsPipe(OsPipe&& other) noexcept
        : out_(std::exchange(other.out_, invalid_socket)),
          in_(std::exchange(other.in_, invalid_socket)) {}
    OsPipe& operator=(OsPipe&&) = delete;
    ~OsPipe();

    /// The end to read from; a handle on Windows.
    [[nodiscard]] NativeSocket out() const noexcept { return out_; }
    /// Fails the test unless all of it is taken.
    void write(std::string_view text) const;
    /// What is there now, at most `into.size()` bytes.
    [[nodiscard]] std::size_t read(std::span<char> into) const;
    /// No more will be written.
    void close_in();

private:
    NativeSocket out_ = invalid_socket;
    NativeSocket in_ = invalid_socket;
};

/// A file without a name that holds `text`, read from its start.
class OsFile {
public:
    explicit OsFile(std::string_view text);
    OsFile(const OsFile&) = delete;
    OsFile& operator=(const OsFile&) = delete;
    ~OsFile();
    [[nodiscard]] NativeSocket handle() const noexcept { return handle_; }

private:
    NativeSocket handle_ = invalid_socket;
};

} // namespace tidemill::support
