// TCP_INFO is the kernel's own structure, which grows with its versions: the answer's length tells
// which fields there are. The header of the kernel knows more of them than that of the C library,
// and both cannot be included in one file.

#include "posix/tcp_state.hpp"
#include "posix/posix_error.hpp"
#include <array>
#include <cstddef>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifdef __linux__
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#endif

namespace tidemill::detail {

#ifdef __linux__

namespace {

// In the kernel's order, which begins with 1.
constexpr std::array states{TcpState::closed,       TcpState::established, TcpState::syn_sent,
                            TcpState::syn_received, TcpState::fin_wait_1,  TcpState::fin_wait_2,
                            TcpState::time_wait,    TcpState::closed,      TcpState::close_wait,
                            TcpState::last_ack,     TcpState::listening,   TcpState::closing};

struct RawInfo {
    tcp_info fields{};
    socklen_t size = sizeof(tcp_info);
    PackedError error;

    explicit RawInfo(int socket) noexcept {
        error = outcome(::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &fields, &size));
    }
    [[nodiscard]] TcpState state() const noexcept {
        return fields.tcpi_state < states.size() ? states[fields.tcpi_state] : TcpState::closed;
    }
    template <class Field>
    [[nodiscard]] std::optional<std::uint64_t> field(const Field& field) const noexcept {
        const auto* const begin = reinterpret_cast<const std::byte*>(&fields);
        const auto* const end = reinterpret_cast<const std::byte*>(&field + 1);
        if (static_cast<socklen_t>(end - begin) > size) return std::nullopt;
        return field;
    }
};

Duration microseconds(std::uint32_t count) noexcept { return std::chrono::microseconds(count); }

} // namespace

TcpInfoResult tcp_info_of(int socket) noexcept {
    const RawInfo raw(socket);
    if (raw.error) return {{}, raw.error};
    const tcp_info& fields = raw.fields;
    TcpInfo info;
    info.state = raw.state();
    info.round_trip_time = microseconds(fields.tcpi_rtt);
    info.round_trip_variance = microseconds(fields.tcpi_rttvar);
    info.retransmitted_segments = raw.field(fields.tcpi_total_retrans);
    info.retransmitted_bytes = raw.field(fields.tcpi_bytes_retrans);
    info.unsent_bytes = raw.field(fields.tcpi_notsent_bytes);
    info.congestion_window_bytes = std::uint64_t{fields.tcpi_snd_cwnd} * fields.tcpi_snd_mss;
    info.delivery_rate_bytes_per_second = raw.field(fields.tcpi_delivery_rate);
    int queued = 0;
    if (::ioctl(socket, SIOCOUTQ, &queued) == 0 && info.unsent_bytes)
        info.unacknowledged_bytes = static_cast<std::uint64_t>(queued) - *info.unsent_bytes;
    return {info, {}};
}

// The queue counts our FIN as one byte, from the moment at which it was asked for up to its
// acknowledgement, and it comes behind everything else.
Unacknowledged unacknowledged_of(int socket, const Accepted& accepted) noexcept {
    int queued = 0;
    if (::ioctl(socket, SIOCOUTQ, &queued) == -1) return {0, false, 0, posix_error(errno)};
    if (queued > 0 && accepted.has_ended) --queued;
    if (queued == 0) return {};
    const RawInfo raw(socket);
    if (raw.error) return {0, false, 0, raw.error};
    return {static_cast<std::uint64_t>(queued),
            raw.state() == TcpState::closed,
            Duration(microseconds(raw.fields.tcpi_rtt)).count(),
            {}};
}

#else

TcpInfoResult tcp_info_of(int) noexcept { return {{}, Errc::not_supported}; }

Unacknowledged unacknowledged_of([[maybe_unused]] int socket, const Accepted&) noexcept {
    int queued = 0;
#if defined(SO_NWRITE)
    socklen_t size = sizeof queued;
    PackedError error = outcome(::getsockopt(socket, SOL_SOCKET, SO_NWRITE, &queued, &size));
#elif defined(FIONWRITE)
    PackedError error = outcome(::ioctl(socket, FIONWRITE, &queued));
#else
    PackedError error = Errc::not_supported;
#endif
    if (error) return {0, false, 0, error};
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    const bool is_over =
        ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) == -1;
    return {static_cast<std::uint64_t>(queued), is_over, 0, {}};
}

#endif

} // namespace tidemill::detail
