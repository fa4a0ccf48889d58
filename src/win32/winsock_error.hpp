// Winsock's error numbers as the library's own errors: the same conditions as on POSIX.
//
// The ICMP story. A UDP socket learns by ICMP that a datagram of its could not be delivered, and
// Windows gives that to the next receive, whatever that receive was for: WSAECONNRESET (10054) for
// "port unreachable", WSAENETRESET (10052) for "time to live expired". For a socket that talks to
// many peers that is a trap: one dead peer makes receives fail that would have brought the
// datagrams of the living, and the error does not even name the dead one. (Microsoft, "recvfrom
// function", return values; knowledge base article 263823 on the ioctl that turns it off.)
//
// So the system is told not to say anything under IcmpPolicy::ignore (SIO_UDP_CONNRESET,
// SIO_UDP_NETRESET). That call may fail, since old systems lack the second one: an error that comes
// all the same is passed over by the socket (src/net/udp_socket.cpp). Under `report` the errors are
// what POSIX makes of the same ICMP messages: connection_refused and host_unreachable.
#pragma once

#include <cstdint>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::detail {

/// An error of Winsock or of the system, by number. Unknown ones become io_error.
[[nodiscard]] PackedError translated(int number) noexcept;

/// An error that a call on a UDP socket met.
[[nodiscard]] PackedError translated_datagram_error(int number) noexcept;

/// An error that a send or receive on a connection met.
[[nodiscard]] PackedError translated_stream_error(int number) noexcept;

/// What the last Winsock call of this thread failed with.
[[nodiscard]] PackedError last_socket_error() noexcept;

/// What the last other system call of this thread failed with.
[[nodiscard]] PackedError last_system_error() noexcept;

/// The outcome of a Winsock call that gives SOCKET_ERROR on failure.
[[nodiscard]] inline PackedError outcome(int result) noexcept {
    return result == 0 ? PackedError() : last_socket_error();
}

} // namespace tidemill::detail
