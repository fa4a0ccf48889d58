// Poll requests to the socket driver, AFD: how a completion port learns that a socket is ready.
//
// The interface has no documentation, but has been the same in every system since Windows XP and is
// what select() and WSAPoll are made of. docs/decisions/0001 tells why it is used, and what else
// would serve.
#pragma once

#include "win32/windows.hpp"
#include <memory>
#include <tidemill/core/error.hpp>
#include <tidemill/core/native.hpp>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::detail {

namespace afd {
inline constexpr ULONG receive = 0x001;
inline constexpr ULONG send = 0x004;
inline constexpr ULONG disconnect = 0x008; ///< the peer's end
inline constexpr ULONG abort = 0x010;      ///< a reset; told again by each poll
inline constexpr ULONG local_close = 0x020;
inline constexpr ULONG accept = 0x080;
inline constexpr ULONG connect_fail = 0x100;
} // namespace afd

/// The system's own socket below those of layered providers, which AFD does not know.
struct BaseSocket {
    NativeSocket socket = invalid_socket;
    PackedError error;
};
[[nodiscard]] BaseSocket base_socket(NativeSocket socket) noexcept;

/// What the kernel reads and, when the request completes, writes. It must stay where it is until
/// the completion has been dequeued from the port, also after it was cancelled and after the socket
/// was closed. If the request could not be made, nothing will be written.
struct AfdRequest {
    struct {
        union {
            LONG status;
            void* pointer;
        };
        ULONG_PTR information;
    } io;
    struct {
        LARGE_INTEGER timeout;
        ULONG count;
        ULONG is_exclusive;
        struct {
            HANDLE handle;
            ULONG events;
            LONG status;
        } socket;
    } poll;

    /// What a completed request has found; nothing if it was cancelled or failed.
    [[nodiscard]] ULONG found() const noexcept;
};

/// An open handle of the device. The more requests a handle has, the longer it takes to cancel one,
/// so each serves a limited number of sockets.
class AfdDevice {
public:
    static constexpr unsigned most_sockets = 32;

    /// The completions of its requests go to `port`.
    [[nodiscard]] static Result<std::unique_ptr<AfdDevice>> open(const wchar_t* name, HANDLE port);
    AfdDevice(const AfdDevice&) = delete;
    AfdDevice& operator=(const AfdDevice&) = delete;
    ~AfdDevice();

    /// Asks for `events` at a base socket. The completion, whose `lpOverlapped` is `request`, comes
    /// through the port in any case, also if they are there already. False: refused.
    [[nodiscard]] bool poll(AfdRequest& request, NativeSocket base, ULONG events) noexcept;
    /// Makes the request complete soon, if it has not completed already.
    void cancel(AfdRequest& request) noexcept;

    unsigned sockets = 0; ///< kept by the selector

private:
    explicit AfdDevice(HANDLE handle) noexcept : handle_(handle) {}
    HANDLE handle_;
};

} // namespace tidemill::detail
