// What echo_server serves on one loop.
//
// A program with one loop has one of these, a program with several has one on each. The way of a
// message is that of the minimal example, tcp_echo.cpp: everything else here happens once for a
// connection, a second or the process.
#pragma once

#include "echo_server/arguments.hpp"
#include "echo_server/limits.hpp"
#include "echo_server/stats.hpp"
#include <cstdint>
#include <memory>
#include <tidemill/tidemill.hpp>
#include <tidemill/tls/tls_server.hpp>
#include <vector>

namespace echo_server {

[[nodiscard]] tidemill::LoopOptions loop_options(const Arguments& arguments);
/// Of --tcp; those of --tls are without `on_end`, since sessions have reports of their own.
[[nodiscard]] tidemill::ServerOptions server_options(const Arguments& arguments, bool is_tls);
[[nodiscard]] tidemill::UdpOptions udp_options(const Arguments& arguments);
[[nodiscard]] tidemill::TlsServerContext make_context(const Arguments& arguments);

/// Waits for the signal that asks for the end; false if it was cancelled.
[[nodiscard]] tidemill::Task<bool> end_requested(tidemill::Signals& signals);
/// The second such signal ends the process at once.
[[nodiscard]] tidemill::Task<void> give_up_at_next_signal(tidemill::Signals& signals);
/// As services have it; whoever is connected keeps the certificate that it was shown.
[[nodiscard]] tidemill::Task<void> reload_on_hangup(tidemill::EventLoop& loop,
                                                    tidemill::TlsServerContext context);

/// Thread: the loop's own. Does not move.
class LoopService {
public:
    explicit LoopService(tidemill::EventLoop& loop) : loop_(loop), answers_(loop, "datagrams") {}

    /// Serves what `server` accepts. Several loops have limits in common, one loop has none.
    void serve_tcp(tidemill::Server server, const std::shared_ptr<SharedLimits>& limits = nullptr);
    void serve_tls(tidemill::Server server, const tidemill::TlsServerContext& context,
                   const std::shared_ptr<SharedLimits>& limits = nullptr);
    void serve_udp(std::unique_ptr<tidemill::UdpSocket> socket);
    /// Gives memory back when most of many connections have gone, until drain().
    void return_memory() { answers_.spawn(return_memory_now_and_then()); }

    [[nodiscard]] const std::vector<tidemill::Server>& tcp() const noexcept { return tcp_; }
    [[nodiscard]] const std::vector<tidemill::Server>& tls() const noexcept { return tls_; }
    [[nodiscard]] const std::vector<std::unique_ptr<tidemill::UdpSocket>>& udp() const noexcept {
        return udp_;
    }

    [[nodiscard]] Figures figures() const noexcept;
    void print_connections() const;
    /// Ends connections in order. Datagrams are answered for as long as connections are.
    [[nodiscard]] tidemill::Task<void> drain();

private:
    tidemill::Task<void> echo_datagrams(tidemill::UdpSocket& socket);
    tidemill::Task<void> return_memory_now_and_then();
    tidemill::Task<void> finish(tidemill::Server& server);
    [[nodiscard]] bool is_own(const tidemill::Endpoint& sender) const noexcept;

    tidemill::EventLoop& loop_;
    std::vector<tidemill::Server> tcp_;
    std::vector<tidemill::Server> tls_;
    std::vector<std::unique_ptr<tidemill::UdpSocket>> udp_;
    std::uint64_t datagrams_ = 0;
    std::uint64_t answered_ = 0;
    bool has_ended_in_order_ = true;
    tidemill::TaskScope answers_; // last: its tasks use what stands above
};

} // namespace echo_server
