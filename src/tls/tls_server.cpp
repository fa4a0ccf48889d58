#include <string>
#include <tidemill/tls/tls_server.hpp>

namespace tidemill::detail {

std::optional<Endpoint> session_peer(void (*log)(std::string_view line) noexcept,
                                     const TcpStream& peer) {
    if (log == nullptr) return std::nullopt;
    const auto endpoint = peer.peer_endpoint();
    return endpoint ? std::optional(*endpoint) : std::nullopt;
}

void report_session(void (*log)(std::string_view line) noexcept,
                    const std::optional<Endpoint>& peer, const TlsStream& stream) {
    if (log == nullptr) return;
    EndReport report = stream.end_report();
    report.peer = peer; // once closed, the stream does not know it any more
    log("TLS " + report.to_string());
}

} // namespace tidemill::detail
