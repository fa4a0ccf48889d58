#include "core/suspension_points.hpp"

namespace tidemill::detail {

const char* name_of(SuspensionPoint point) noexcept {
    switch (point) { // without a default, so that the compiler finds a point that has no name
    case SuspensionPoint::stream_read: return "stream_read";
    case SuspensionPoint::stream_read_into: return "stream_read_into";
    case SuspensionPoint::stream_write: return "stream_write";
    case SuspensionPoint::stream_shutdown: return "stream_shutdown";
    case SuspensionPoint::stream_close: return "stream_close";
    case SuspensionPoint::stream_acknowledged: return "stream_acknowledged";
    case SuspensionPoint::tcp_accept: return "tcp_accept";
    case SuspensionPoint::tcp_connect: return "tcp_connect";
    case SuspensionPoint::udp_receive: return "udp_receive";
    case SuspensionPoint::udp_send: return "udp_send";
    case SuspensionPoint::udp_receive_many: return "udp_receive_many";
    case SuspensionPoint::udp_send_many: return "udp_send_many";
    case SuspensionPoint::drain: return "drain";
    case SuspensionPoint::sleep: return "sleep";
    case SuspensionPoint::yield: return "yield";
    case SuspensionPoint::event: return "event";
    case SuspensionPoint::semaphore: return "semaphore";
    case SuspensionPoint::channel_send: return "channel_send";
    case SuspensionPoint::channel_receive: return "channel_receive";
    case SuspensionPoint::join: return "join";
    case SuspensionPoint::when: return "when";
    case SuspensionPoint::blocking: return "blocking";
    case SuspensionPoint::signals: return "signals";
    case SuspensionPoint::standard_input: return "standard_input";
    case SuspensionPoint::watch: return "watch";
    case SuspensionPoint::tls_handshake: return "tls_handshake";
    case SuspensionPoint::tls_flush: return "tls_flush";
    case SuspensionPoint::count_: break;
    }
    return "?";
}

} // namespace tidemill::detail
