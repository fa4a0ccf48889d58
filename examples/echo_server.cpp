// The full echo server: several addresses, limits, an orderly end. `echo_server --help` tells all.
//
// What it serves on a loop stands in echo_server/loop_service.hpp. Here is the program of one loop;
// that of several, which has to gather from them what it tells, is echo_server/many_loops.cpp.
#include "echo_server/loop_service.hpp"
#include "echo_server/many_loops.hpp"
#include <cstdio>
#include <fmt/format.h>

using namespace tidemill;
using echo_server::say;

namespace {

class EchoServer {
public:
    explicit EchoServer(const echo_server::Arguments& arguments);
    /// Opens every address, or throws std::system_error that names the one that it could not.
    void listen();
    /// Serves until a signal asks for the end, then ends in order.
    void run() { loop_.run(serve()); }

private:
    Task<void> serve();
    void start();
    Task<void> print_stats();
    Task<void> print_connections_on_request();

    const echo_server::Arguments& arguments_;
    EventLoop loop_;
    Signals signals_;
    std::vector<Server> tcp_;
    std::vector<Server> tls_;
    std::vector<std::unique_ptr<UdpSocket>> udp_;
    echo_server::LoopService service_;
    TaskScope background_; // last: its tasks use what stands above
};

EchoServer::EchoServer(const echo_server::Arguments& arguments) try
    : arguments_(arguments), loop_(echo_server::loop_options(arguments)),
      signals_(loop_, {Signal::interrupt, Signal::terminate, Signal::broken_pipe}), service_(loop_),
      background_(loop_, "echo_server") {
} catch (const std::exception& error) {
    const auto& some = !arguments.tcp.empty() ? arguments.tcp : arguments.tls;
    const auto& first = some.empty() ? arguments.udp.front() : some.front();
    throw std::runtime_error(fmt::format("start for {}: {}", first.to_string(), error.what()));
}

void EchoServer::listen() {
    const ServerOptions tcp = server_options(arguments_, false);
    const ServerOptions tls = server_options(arguments_, true);
    for (const Endpoint& address : arguments_.tcp)
        tcp_.push_back(or_throw(Server::listen(loop_, address, tcp)));
    for (const Endpoint& address : arguments_.tls)
        tls_.push_back(or_throw(Server::listen(loop_, address, tls)));
    for (const Endpoint& address : arguments_.udp)
        udp_.push_back(
            or_throw(UdpSocket::bind(loop_, address, echo_server::udp_options(arguments_))));
}

void EchoServer::start() {
    for (Server& server : tcp_) service_.serve_tcp(std::move(server));
    if (!tls_.empty()) {
        const TlsServerContext context = make_context(arguments_);
        for (Server& server : tls_) service_.serve_tls(std::move(server), context);
        if (!arguments_.certificate_file.empty())
            background_.spawn(echo_server::reload_on_hangup(loop_, context));
    }
    for (auto& socket : udp_) service_.serve_udp(std::move(socket));
}

Task<void> EchoServer::serve() {
    start();
    for (const Server& server : service_.tcp())
        say(stdout, "listening tcp " + server.endpoint().to_string());
    for (const Server& server : service_.tls())
        say(stdout, "listening tls " + server.endpoint().to_string());
    for (const auto& socket : service_.udp())
        say(stdout, "listening udp " + socket->endpoint().to_string());
    if (arguments_.prints_stats) {
        background_.spawn(print_stats());
        background_.spawn(print_connections_on_request());
    }
    service_.return_memory();
    static_cast<void>(co_await echo_server::end_requested(signals_));
    background_.spawn(echo_server::give_up_at_next_signal(signals_));
    co_await service_.drain();
    background_.clear();
    echo_server::print_served(arguments_, service_.figures());
}

Task<void> EchoServer::print_stats() {
    while (const auto slept = co_await sleep(std::chrono::seconds(1)))
        echo_server::print_stats(service_.figures());
}

Task<void> EchoServer::print_connections_on_request() {
    Signals requests(loop_, {Signal::user1});
    while (const auto request = co_await requests.next()) service_.print_connections();
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
