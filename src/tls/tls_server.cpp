#include <string>
#include <tidemill/tls/tls_server.hpp>

namespace tidemill::detail {

std::string name_session(void (*log)(std::string_view line) noexcept, const TcpStream& peer) {
    if (log == nullptr) return {};
    const auto endpoint = peer.peer_endpoint();
    return endpoint ? endpoint->to_string() : "a peer that is gone";
}

void report_session(void (*log)(std::string_view line) noexcept, const char* phase,
                    const std::string& peer, const Error& error) {
    if (log != nullptr) log("TLS " + std::string(phase) + " with " + peer + ": " + error.message());
}

} // namespace tidemill::detail
