#include "echo_server/loop_service.hpp"
#include <algorithm>
#include <cstdlib>
#include <tidemill/tls/self_signed.hpp>
#include <utility>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace echo_server {

using namespace tidemill;

namespace {

constexpr Duration drain_limit = std::chrono::milliseconds(4'800); // 5 s for all of the end
// Peers that leave our end unanswered; shorter than the default, so that the end waits for them
// and does not run into its limit.
constexpr Duration linger_timeout = std::chrono::seconds(2);
constexpr Duration pause_after_error = std::chrono::milliseconds(1);
constexpr Duration memory_interval = std::chrono::seconds(2);
constexpr std::uint64_t many_sockets = 500;

void log_line(std::string_view line) noexcept { complain(line); }

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return; // any end; the server closes in order
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

/// The same within limits that are not its server's alone. The server keeps this object.
class LimitedEcho {
public:
    explicit LimitedEcho(std::shared_ptr<SharedLimits> limits) noexcept
        : limits_(std::move(limits)) {}
    Task<void> operator()(Stream& peer) {
        const SharedLimits::Place place(*limits_, peer);
        if (!place) co_return;
        for (;;) {
            auto chunk = co_await peer.read();
            if (!chunk || chunk->empty()) co_return;
            if (auto sent = co_await peer.write(*chunk); !sent) co_return;
        }
    }

private:
    std::shared_ptr<SharedLimits> limits_;
};

} // namespace

LoopOptions loop_options(const Arguments& arguments) {
    LoopOptions options;
    options.selector = arguments.selector;
    options.linger_timeout = linger_timeout;
    return options;
}

ServerOptions server_options(const Arguments& arguments, bool is_tls) {
    ServerOptions options;
    options.idle_timeout = arguments.idle_timeout;
    options.write_stall_timeout = arguments.idle_timeout;
    options.max_connections = arguments.max_connections;
    options.max_connections_per_address = arguments.max_connections_per_address;
    options.log = &log_line;
    if (arguments.reports_ends && !is_tls) options.on_end = &print_end;
    return options;
}

UdpOptions udp_options(const Arguments& arguments) {
    UdpOptions options;
    options.details = false;
    options.icmp = arguments.icmp;
    return options;
}

TlsServerContext make_context(const Arguments& arguments) {
    TlsServerOptions options;
    options.use_openssl_config = arguments.uses_openssl_config;
    options.alpn = arguments.application_protocols;
    if (!arguments.client_ca_file.empty()) {
        options.client_certificate = ClientCertificate::required;
        options.client_trust.authorities = {arguments.client_ca_file};
    }
    if (arguments.certificate_file.empty()) {
        log_line("no --cert: using a self-signed certificate, which no client can trust");
        options.identities.push_back(or_throw(make_self_signed_identity()));
    } else {
        options.identities.push_back({arguments.certificate_file, arguments.key_file, nullptr});
    }
    return or_throw(TlsServerContext::make(std::move(options)));
}

// A broken pipe is no request: whoever read our output is gone, and the service goes on.
Task<bool> end_requested(Signals& signals) {
    for (;;) {
        const auto signal = co_await signals.next();
        if (!signal) co_return false; // cancelled
        if (*signal != Signal::broken_pipe) co_return true;
    }
}

Task<void> give_up_at_next_signal(Signals& signals) {
    const bool is_requested = co_await end_requested(signals); // in the `if`, GCC 12 spoils it
    if (!is_requested) co_return;
    log_line("ended at once by a second signal");
    std::_Exit(1);
}

Task<void> reload_on_hangup(EventLoop& loop, TlsServerContext context) {
    Signals requests(loop, {Signal::hangup});
    while (const auto request = co_await requests.next()) {
        const auto reloaded = context.reload();
        log_line(reloaded ? "TLS: reloaded" : "TLS: not reloaded: " + reloaded.error().message());
    }
}

// The C library keeps what was freed below something that is still in use: after ten thousand TLS
// handshakes that is hundreds of megabytes, which a quiet service should not sit on.
Task<void> LoopService::return_memory_now_and_then() {
    std::uint64_t most = 0;
    while (const auto slept = co_await sleep(memory_interval)) {
        const std::uint64_t now = loop_.counters().open_sockets;
        most = std::max(most, now);
        if (most < many_sockets || now > most / 4) continue;
        most = now;
#ifdef __GLIBC__
        ::malloc_trim(0);
#endif
    }
}

void LoopService::serve_tcp(Server server, const std::shared_ptr<SharedLimits>& limits) {
    tcp_.push_back(std::move(server));
    if (limits != nullptr)
        tcp_.back().serve(LimitedEcho(limits));
    else
        tcp_.back().serve(echo);
}

void LoopService::serve_tls(Server server, const TlsServerContext& context,
                            const std::shared_ptr<SharedLimits>& limits) {
    tls_.push_back(std::move(server));
    if (limits != nullptr)
        tidemill::serve_tls(tls_.back(), context, LimitedEcho(limits), {{}, &log_line});
    else
        tidemill::serve_tls(tls_.back(), context, echo, {{}, &log_line});
}

void LoopService::serve_udp(std::unique_ptr<UdpSocket> socket) {
    udp_.push_back(std::move(socket));
    answers_.spawn(echo_datagrams(*udp_.back()));
}

// What one datagram does concerns its sender only: it may come from port 0, to which nobody can
// answer, or its answer may be refused on the way. Answers leave in the order of arrival.
Task<void> LoopService::echo_datagrams(UdpSocket& socket) {
    ReceiveBatch batch;
    SendBatch answers;
    std::uint64_t reported_before = 0;
    while (socket.is_open()) {
        const auto received = co_await socket.receive_many(batch);
        if (!received) { // none is about the socket, but a lasting one must not cost all the time
            const std::uint64_t reported = socket.counters().icmp_reported;
            if (reported == std::exchange(reported_before, reported))
                static_cast<void>(co_await sleep(pause_after_error));
            continue;
        }
        datagrams_ += *received;
        answers.clear();
        for (std::size_t i = 0; i < batch.run_count(); ++i) {
            const DatagramRun run = batch.run(i); // what came together leaves together
            if (!is_own(run.sender())) static_cast<void>(answers.add(run, run.sender()));
        }
        answered_ += answers.size();
        const SendOutcome outcome = co_await socket.send_many(answers);
        answered_ -= outcome.failed;
    }
}

// A forged sender must not make this server talk to itself, over one socket or between two.
bool LoopService::is_own(const Endpoint& sender) const noexcept {
    return std::any_of(udp_.begin(), udp_.end(), [&](const auto& socket) {
        const Endpoint& own = socket->endpoint();
        // A socket that is bound to no particular address may be any of this machine's.
        return own.port() == sender.port() &&
               (own.address().is_any() || own.address().unmapped() == sender.address().unmapped());
    });
}

Task<void> LoopService::finish(Server& server) {
    const auto drained = co_await server.drain(drain_limit);
    if (!drained) has_ended_in_order_ = false;
}

Task<void> LoopService::drain() {
    TaskScope finishing(loop_, "drain");
    for (auto* const servers : {&tcp_, &tls_})
        for (Server& server : *servers) finishing.spawn(finish(server));
    static_cast<void>(co_await finishing.join());
    answers_.clear();
}

Figures LoopService::figures() const noexcept {
    Figures figures;
    figures.tcp = total_of({&tcp_});
    figures.tls = total_of({&tls_});
    figures.loop = loop_.counters();
    figures.datagrams = datagrams_;
    figures.answered = answered_;
    for (const auto& socket : udp_) figures.icmp_reports += socket->counters().icmp_reported;
    figures.has_ended_in_order = has_ended_in_order_;
    return figures;
}

void LoopService::print_connections() const {
    echo_server::print_connections("tcp", tcp_);
    echo_server::print_connections("tls", tls_);
}

} // namespace echo_server
