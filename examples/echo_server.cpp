// The full echo server: several addresses, limits, an orderly end. `echo_server --help` tells all.
//
// The way of a message is that of the minimal example, tcp_echo.cpp: everything else here happens
// once for a connection, a second or the process.
#include "echo_server/arguments.hpp"
#include "echo_server/many_loops.hpp"
#include "echo_server/stats.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <tidemill/tidemill.hpp>
#include <tidemill/tls/self_signed.hpp>
#include <tidemill/tls/tls_server.hpp>

using namespace tidemill;
using echo_server::say;
using echo_server::Servers;
using echo_server::total_of;

namespace {

constexpr Duration drain_limit = std::chrono::milliseconds(4'800); // 5 s for all of the end
// Peers that leave our end unanswered; shorter than the default, so that the end waits for them
// and does not run into its limit.
constexpr Duration linger_timeout = std::chrono::seconds(2);
constexpr Duration pause_after_error = std::chrono::milliseconds(1);

void log_line(std::string_view line) noexcept { echo_server::complain(line); }

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return; // any end; the server closes in order
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

class EchoServer {
public:
    explicit EchoServer(const echo_server::Arguments& arguments);
    /// Opens every address, or throws std::system_error that names the one that it could not.
    void listen();
    /// Serves until a signal asks for the end, then ends in order.
    void run() { loop_.run(serve()); }

private:
    struct DatagramCounters {
        std::uint64_t received = 0;
        std::uint64_t answered = 0;
    };

    Task<void> serve();
    Task<void> echo_datagrams(UdpSocket& socket);
    Task<void> finish(Server& server);
    Task<void> print_stats();
    Task<bool> end_requested();
    Task<void> give_up_at_next_signal();
    Task<void> reload_on_hangup(TlsServerContext context);
    [[nodiscard]] std::uint64_t icmp_reports() const noexcept;
    [[nodiscard]] bool is_own(const Endpoint& sender) const noexcept;
    Task<void> print_connections_on_request();
    void print_served(const char* protocol, const Servers& servers) const;
    void print_served() const;

    const echo_server::Arguments& arguments_;
    EventLoop loop_;
    Signals signals_;
    std::vector<std::unique_ptr<UdpSocket>> sockets_;
    std::vector<Server> servers_;
    std::vector<Server> tls_servers_;
    DatagramCounters datagrams_;
    bool has_ended_in_order_ = true;
    TaskScope background_; // last: its tasks use what stands above
};

LoopOptions loop_options(const echo_server::Arguments& arguments) {
    LoopOptions options;
    options.selector = arguments.selector;
    options.linger_timeout = linger_timeout;
    return options;
}

EchoServer::EchoServer(const echo_server::Arguments& arguments) try
    : arguments_(arguments), loop_(loop_options(arguments)),
      signals_(loop_, {Signal::interrupt, Signal::terminate, Signal::broken_pipe}),
      background_(loop_, "echo_server") {
} catch (const std::exception& error) {
    const auto& some = !arguments.tcp.empty() ? arguments.tcp : arguments.tls;
    const auto& first = some.empty() ? arguments.udp.front() : some.front();
    throw std::runtime_error(fmt::format("start for {}: {}", first.to_string(), error.what()));
}

TlsServerContext make_context(const echo_server::Arguments& arguments) {
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

void EchoServer::listen() {
    ServerOptions options;
    options.idle_timeout = arguments_.idle_timeout;
    options.write_stall_timeout = arguments_.idle_timeout;
    options.max_connections = arguments_.max_connections;
    options.max_connections_per_address = arguments_.max_connections_per_address;
    options.log = &log_line;
    if (arguments_.reports_ends) options.on_end = &echo_server::print_end;
    UdpOptions datagram_options;
    datagram_options.details = false;
    datagram_options.icmp = arguments_.icmp;
    for (const Endpoint& address : arguments_.tcp)
        servers_.push_back(or_throw(Server::listen(loop_, address, options)));
    options.on_end = nullptr; // sessions of TLS have reports of their own
    for (const Endpoint& address : arguments_.tls)
        tls_servers_.push_back(or_throw(Server::listen(loop_, address, options)));
    for (const Endpoint& address : arguments_.udp)
        sockets_.push_back(or_throw(UdpSocket::bind(loop_, address, datagram_options)));
}

Task<void> EchoServer::serve() {
    for (Server& server : servers_) server.serve(echo);
    if (!tls_servers_.empty()) {
        const TlsServerContext context = make_context(arguments_);
        for (Server& server : tls_servers_) serve_tls(server, context, echo, {{}, &log_line});
        if (!arguments_.certificate_file.empty()) background_.spawn(reload_on_hangup(context));
    }
    for (auto& socket : sockets_) background_.spawn(echo_datagrams(*socket));
    for (const Server& server : servers_)
        say(stdout, "listening tcp " + server.endpoint().to_string());
    for (const Server& server : tls_servers_)
        say(stdout, "listening tls " + server.endpoint().to_string());
    for (const auto& socket : sockets_)
        say(stdout, "listening udp " + socket->endpoint().to_string());
    if (arguments_.prints_stats) {
        background_.spawn(print_stats());
        background_.spawn(print_connections_on_request());
    }

    static_cast<void>(co_await end_requested());
    background_.spawn(give_up_at_next_signal());
    TaskScope finishing(loop_, "drain");
    for (auto* const servers : {&servers_, &tls_servers_})
        for (Server& server : *servers) finishing.spawn(finish(server));
    static_cast<void>(co_await finishing.join());
    background_.clear(); // datagrams were answered for as long as connections were
    print_served();
}

// What one datagram does concerns its sender only: it may come from port 0, to which nobody can
// answer, or its answer may be refused on the way. Answers leave in the order of arrival.
Task<void> EchoServer::echo_datagrams(UdpSocket& socket) {
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
        datagrams_.received += *received;
        answers.clear();
        for (std::size_t i = 0; i < batch.run_count(); ++i) {
            const DatagramRun run = batch.run(i); // what came together leaves together
            if (!is_own(run.sender())) static_cast<void>(answers.add(run, run.sender()));
        }
        datagrams_.answered += answers.size();
        const SendOutcome outcome = co_await socket.send_many(answers);
        datagrams_.answered -= outcome.failed;
    }
}

// A forged sender must not make this server talk to itself, over one socket or between two.
bool EchoServer::is_own(const Endpoint& sender) const noexcept {
    return std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& socket) {
        const Endpoint& own = socket->endpoint();
        // A socket that is bound to no particular address may be any of this machine's.
        return own.port() == sender.port() &&
               (own.address().is_any() || own.address().unmapped() == sender.address().unmapped());
    });
}

Task<void> EchoServer::finish(Server& server) {
    const auto drained = co_await server.drain(drain_limit);
    if (!drained) has_ended_in_order_ = false;
}

// A broken pipe is no request: whoever read our output is gone, and the service goes on.
Task<bool> EchoServer::end_requested() {
    for (;;) {
        const auto signal = co_await signals_.next();
        if (!signal) co_return false; // cancelled
        if (*signal != Signal::broken_pipe) co_return true;
    }
}

Task<void> EchoServer::give_up_at_next_signal() {
    const bool is_requested = co_await end_requested(); // in the `if`, GCC 12 spoils the frame
    if (!is_requested) co_return;
    log_line("ended at once by a second signal");
    std::_Exit(1);
}

std::uint64_t EchoServer::icmp_reports() const noexcept {
    std::uint64_t total = 0;
    for (const auto& socket : sockets_) total += socket->counters().icmp_reported;
    return total;
}

Task<void> EchoServer::print_stats() {
    while (co_await sleep(std::chrono::seconds(1))) {
        const ServerCounters all = total_of({&servers_, &tls_servers_});
        const LoopCounters loop = loop_.counters();
        say(stderr,
            fmt::format("stats: connections {} of {}, refused {}, lingering {}, "
                        "accept pauses {}, datagrams {}, answered {}, undelivered {}, bytes in {}, "
                        "bytes out {}, leased {}, sockets {}, turns {}",
                        all.active, all.accepted, all.refused, loop.lingering, loop.accept_pauses,
                        datagrams_.received, datagrams_.answered, icmp_reports(),
                        loop.bytes_received, loop.bytes_sent, loop.leased_bytes, loop.open_sockets,
                        loop.turns));
    }
}

Task<void> EchoServer::print_connections_on_request() {
    Signals requests(loop_, {Signal::user1});
    while (co_await requests.next()) {
        echo_server::print_connections("tcp", servers_);
        echo_server::print_connections("tls", tls_servers_);
    }
}

// As services have it; whoever is connected keeps the certificate that it was shown.
Task<void> EchoServer::reload_on_hangup(TlsServerContext context) {
    Signals requests(loop_, {Signal::hangup});
    while (co_await requests.next()) {
        const auto reloaded = context.reload();
        log_line(reloaded ? "TLS: reloaded" : "TLS: not reloaded: " + reloaded.error().message());
    }
}

void EchoServer::print_served(const char* protocol, const Servers& servers) const {
    if (servers.empty()) return;
    const ServerCounters total = total_of({&servers});
    say(stdout,
        fmt::format("served {}: {} connections, {} refused, {} bytes in, {} bytes out{}", protocol,
                    total.accepted, total.refused, total.bytes_received, total.bytes_sent,
                    has_ended_in_order_ ? "" : "; some peers had not ended"));
}

void EchoServer::print_served() const {
    print_served("tcp", servers_);
    print_served("tls", tls_servers_);
    if (!sockets_.empty())
        say(stdout, fmt::format("served udp: {} datagrams, {} answered", datagrams_.received,
                                datagrams_.answered));
}

int run(const echo_server::Arguments& arguments) {
    if (arguments.threads > 1) {
        echo_server::serve_on_many_loops(arguments);
        return 0;
    }
    EchoServer server(arguments);
    server.listen();
    server.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const auto arguments = echo_server::parse_arguments(argc, argv);
        return arguments ? run(*arguments) : 0;
    } catch (const echo_server::WrongArguments& error) {
        echo_server::complain(error.what());
        return 2;
    } catch (const std::exception& error) {
        echo_server::complain(error.what());
        return 1;
    }
}
