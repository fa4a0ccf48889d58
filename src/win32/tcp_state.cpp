// SIO_TCP_INFO, version 0, which every system that knows it answers (Windows 10 1703 and later;
// Wine does not). The structure is declared here because older headers lack it.

#include "win32/tcp_state.hpp"
#include "win32/windows.hpp"
#include "win32/winsock.hpp"
#include "win32/winsock_error.hpp"
#include <algorithm>
#include <array>
#include <mstcpip.h>

#ifndef SIO_TCP_INFO
#define SIO_TCP_INFO _WSAIORW(IOC_VENDOR, 39)
#endif

#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#define TCP_KEEPCNT 16
#define TCP_KEEPINTVL 17
#endif
#ifndef TCP_MAXRTMS
#define TCP_MAXRTMS 14
#endif

namespace tidemill::detail {
namespace {

struct TcpInfoV0 {
    DWORD state;
    ULONG mss;
    ULONG64 connection_time_ms;
    BOOLEAN timestamps_enabled;
    ULONG rtt_us;
    ULONG min_rtt_us;
    ULONG bytes_in_flight;
    ULONG cwnd;
    ULONG snd_wnd;
    ULONG rcv_wnd;
    ULONG rcv_buf;
    ULONG64 bytes_out;
    ULONG64 bytes_in;
    ULONG bytes_reordered;
    ULONG bytes_retrans;
    ULONG fast_retrans;
    ULONG dup_acks_in;
    ULONG timeout_episodes;
    UCHAR syn_retrans;
};
static_assert(sizeof(TcpInfoV0) == 88);

// In the order of TCPSTATE.
constexpr std::array states{TcpState::closed,       TcpState::listening,   TcpState::syn_sent,
                            TcpState::syn_received, TcpState::established, TcpState::fin_wait_1,
                            TcpState::fin_wait_2,   TcpState::close_wait,  TcpState::closing,
                            TcpState::last_ack,     TcpState::time_wait};

PackedError ask(NativeSocket socket, TcpInfoV0& info) noexcept {
    DWORD version = 0;
    DWORD bytes = 0;
    if (::WSAIoctl(socket, SIO_TCP_INFO, &version, sizeof version, &info, sizeof info, &bytes,
                   nullptr, nullptr) == 0)
        return {};
    return ::WSAGetLastError() == WSAEOPNOTSUPP ? PackedError(Errc::not_supported)
                                                : last_socket_error();
}

TcpState state_of(const TcpInfoV0& raw) noexcept {
    return raw.state < states.size() ? states[raw.state] : TcpState::closed;
}

} // namespace

TcpInfoResult tcp_info_of(NativeSocket socket) noexcept {
    TcpInfoV0 raw{};
    if (const PackedError error = ask(socket, raw)) return {{}, error};
    TcpInfo info;
    info.state = state_of(raw);
    info.round_trip_time = std::chrono::microseconds(raw.rtt_us);
    info.retransmitted_bytes = raw.bytes_retrans;
    info.unacknowledged_bytes = raw.bytes_in_flight;
    info.congestion_window_bytes = raw.cwnd;
    return {info, {}};
}

// The system does not say what waits in its send buffer: that is what was accepted and has not gone
// out. What went out counts bytes once for each time that they did (as RFC 4898 has it); taking the
// repeated ones off again errs, if at all, on the side of "outstanding".
Unacknowledged unacknowledged_of(NativeSocket socket, const Accepted& accepted) noexcept {
    TcpInfoV0 raw{};
    if (const PackedError error = ask(socket, raw)) return {0, false, 0, error};
    const std::uint64_t out = raw.bytes_out - std::min<ULONG64>(raw.bytes_out, raw.bytes_retrans);
    const std::uint64_t unsent = accepted.bytes - std::min<std::uint64_t>(accepted.bytes, out);
    return {unsent + raw.bytes_in_flight,
            state_of(raw) == TcpState::closed,
            std::int64_t{raw.rtt_us} * 1'000,
            {}};
}

int tcp_option_name(SocketOption option) noexcept {
    switch (option) {
    case SocketOption::keep_alive_idle: return TCP_KEEPIDLE;
    case SocketOption::keep_alive_interval: return TCP_KEEPINTVL;
    case SocketOption::keep_alive_count: return TCP_KEEPCNT;
    case SocketOption::user_timeout: return TCP_MAXRTMS;
    default: return -1;
    }
}

PackedError check_listening(NativeSocket socket) noexcept {
    BOOL is_listening = FALSE;
    int size = static_cast<int>(sizeof is_listening);
    if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, reinterpret_cast<char*>(&is_listening),
                     &size) != 0)
        return last_socket_error();
    return is_listening == FALSE ? PackedError(std::errc::invalid_argument) : PackedError();
}

PackedError set_keep_alive_values(NativeSocket socket, const KeepAlive& keep_alive) noexcept {
    constexpr int default_idle_seconds = 7'200;
    const int idle = keep_alive.idle_seconds > 0 ? keep_alive.idle_seconds : default_idle_seconds;
    const int interval = std::max(keep_alive.interval_seconds, 1);
    tcp_keepalive values{};
    values.onoff = keep_alive.is_on ? 1 : 0;
    values.keepalivetime = static_cast<ULONG>(idle) * 1'000;
    values.keepaliveinterval = static_cast<ULONG>(interval) * 1'000;
    DWORD bytes = 0;
    return outcome(::WSAIoctl(socket, SIO_KEEPALIVE_VALS, &values, sizeof values, nullptr, 0,
                              &bytes, nullptr, nullptr));
}

} // namespace tidemill::detail
