#include "win32/winsock_error.hpp"
#include "win32/windows.hpp"

namespace tidemill::detail {
namespace {

struct Pair {
    int number;
    std::errc condition;
};

// Sorted by number: the system's own first, then Winsock's.
constexpr Pair pairs[] = {
    {ERROR_FILE_NOT_FOUND, std::errc::no_such_file_or_directory},
    {ERROR_PATH_NOT_FOUND, std::errc::no_such_file_or_directory},
    {ERROR_TOO_MANY_OPEN_FILES, std::errc::too_many_files_open},
    {ERROR_ACCESS_DENIED, std::errc::permission_denied},
    {ERROR_INVALID_HANDLE, std::errc::bad_file_descriptor},
    {ERROR_NOT_ENOUGH_MEMORY, std::errc::not_enough_memory},
    {ERROR_OUTOFMEMORY, std::errc::not_enough_memory},
    {ERROR_NOT_SUPPORTED, std::errc::not_supported},
    {ERROR_INVALID_PARAMETER, std::errc::invalid_argument},
    {ERROR_BROKEN_PIPE, std::errc::broken_pipe},
    {ERROR_NO_SYSTEM_RESOURCES, std::errc::no_buffer_space},
    {ERROR_OPERATION_ABORTED, std::errc::operation_canceled},
    {WSAEINTR, std::errc::interrupted},
    {WSAEBADF, std::errc::bad_file_descriptor},
    {WSAEACCES, std::errc::permission_denied},
    {WSAEFAULT, std::errc::bad_address},
    {WSAEINVAL, std::errc::invalid_argument},
    {WSAEMFILE, std::errc::too_many_files_open},
    {WSAEWOULDBLOCK, std::errc::operation_would_block},
    {WSAEINPROGRESS, std::errc::operation_in_progress},
    {WSAEALREADY, std::errc::connection_already_in_progress},
    {WSAENOTSOCK, std::errc::bad_file_descriptor},
    {WSAEDESTADDRREQ, std::errc::destination_address_required},
    {WSAEMSGSIZE, std::errc::message_size},
    {WSAEPROTOTYPE, std::errc::wrong_protocol_type},
    {WSAENOPROTOOPT, std::errc::no_protocol_option},
    {WSAEPROTONOSUPPORT, std::errc::protocol_not_supported},
    {WSAESOCKTNOSUPPORT, std::errc::not_supported},
    {WSAEOPNOTSUPP, std::errc::operation_not_supported},
    {WSAEPFNOSUPPORT, std::errc::address_family_not_supported},
    {WSAEAFNOSUPPORT, std::errc::address_family_not_supported},
    {WSAEADDRINUSE, std::errc::address_in_use},
    {WSAEADDRNOTAVAIL, std::errc::address_not_available},
    {WSAENETDOWN, std::errc::network_down},
    {WSAENETUNREACH, std::errc::network_unreachable},
    {WSAENETRESET, std::errc::network_reset},
    {WSAECONNABORTED, std::errc::connection_aborted},
    {WSAECONNRESET, std::errc::connection_reset},
    {WSAENOBUFS, std::errc::no_buffer_space},
    {WSAEISCONN, std::errc::already_connected},
    {WSAENOTCONN, std::errc::not_connected},
    {WSAESHUTDOWN, std::errc::broken_pipe},
    {WSAETIMEDOUT, std::errc::timed_out},
    {WSAECONNREFUSED, std::errc::connection_refused},
    {WSAEHOSTDOWN, std::errc::host_unreachable},
    {WSAEHOSTUNREACH, std::errc::host_unreachable},
    {WSAEPROCLIM, std::errc::too_many_files_open_in_system},
    {WSASYSNOTREADY, std::errc::network_down},
    {WSAVERNOTSUPPORTED, std::errc::not_supported},
    {WSANOTINITIALISED, std::errc::network_down},
};

} // namespace

PackedError translated(int number) noexcept {
    if (number == 0) return {};
    for (const Pair& pair : pairs)
        if (pair.number == number) return pair.condition;
    return std::errc::io_error;
}

PackedError translated_datagram_error(int number) noexcept {
    switch (number) {
    case WSAECONNRESET: return std::errc::connection_refused;
    case WSAENETRESET: return std::errc::host_unreachable;
    default: return translated(number);
    }
}

// A connection that the system has given up by itself: too many repeats without an answer
// (WSAECONNABORTED, once a reset has come as well), or unanswered keep-alives (WSAENETRESET).
PackedError translated_stream_error(int number) noexcept {
    switch (number) {
    case WSAECONNABORTED: return std::errc::connection_reset;
    case WSAENETRESET: return std::errc::timed_out;
    default: return translated(number);
    }
}

PackedError last_socket_error() noexcept { return translated(::WSAGetLastError()); }

PackedError last_system_error() noexcept { return translated(static_cast<int>(::GetLastError())); }

} // namespace tidemill::detail
