#include "net/server_core.hpp"
#include <algorithm>
#include <cstdio>
#include <string>
#include <tidemill/core/require.hpp>
#include <tidemill/core/sleep.hpp>

namespace tidemill {
namespace detail {

// Connection

Connection::Connection(ServerCore& server, LoopCore& loop, NativeSocket socket)
    : TaskOwner(&loop), server_(&server), stream_(loop, socket, InTurn{}) {}

void Connection::start(ConnectionHandler& handler) noexcept {
    try {
        task_ = std::move(handler.handle(stream_)).release();
    } catch (...) { // no memory for the frame, or a handler that is no coroutine
        child_failed(std::current_exception());
        server_->ended(*this);
        delete this;
        return;
    }
    task_->start_root(*this);
}

void Connection::destroy_or_doom() noexcept {
    if (task_->is_running()) { // child_stopped() follows when its code suspends
        server_ = nullptr;
        return task_->doom(*this);
    }
    task_->destroy();
    delete this;
}

void Connection::child_stopped(PromiseBase& root) noexcept {
    root.destroy();
    if (server_ != nullptr) server_->ended(*this);
    stream_.close_in_order(); // its handler has returned
    delete this;
}

void Connection::child_failed(std::exception_ptr exception) noexcept {
    stream_.abort(); // the code of the handler has been left: nobody waits
    if (server_ != nullptr) server_->failed(std::move(exception));
}

// ServerCore

ServerCore::ServerCore(EventLoop& loop, std::unique_ptr<ConnectionSource> source,
                       const ServerOptions& options)
    : loop_(&loop.core()), source_(std::move(source)), options_(options) {
    deadlines_.set_idle_timeout(options_.idle_timeout);
    deadlines_.set_write_stall_timeout(options_.write_stall_timeout);
    loop_->add_member(*this);
}

ServerCore::~ServerCore() {
    stop();
    if (loop_ != nullptr) loop_->remove_member(*this);
    if (drainer_ != nullptr) std::exchange(drainer_, nullptr)->finish_later(Errc::cancelled);
}

void ServerCore::start(std::unique_ptr<ConnectionHandler> handler) {
    TIDEMILL_REQUIRE(handler_ == nullptr, "a Server serves one handler");
    handler_ = std::move(handler);
    if (source_->is_open()) source_->feed(*this);
}

void ServerCore::stop() noexcept {
    source_->close();
    while (first_ != nullptr) {
        Connection& connection = *first_;
        ended(connection);
        connection.destroy_or_doom();
    }
}

void ServerCore::on_loop_gone() noexcept {
    loop_ = nullptr;
    for (Connection* each = first_; each != nullptr; each = each->next) each->loop_is_gone();
    if (drainer_ != nullptr) std::exchange(drainer_, nullptr)->forget();
}

bool ServerCore::on_connection(NativeSocket socket, const Endpoint& peer) noexcept {
    ++counters_.accepted;
    try {
        admit(socket, peer.address());
    } catch (const std::bad_alloc&) {
        ++counters_.refused;
        loop_->sockets().close_with_reset(socket);
    }
    return true;
}

void ServerCore::admit(NativeSocket socket, const IpAddress& peer) {
    if (is_over_limit(peer)) {
        ++counters_.refused;
        const TcpStream refused(*loop_, socket); // its destructor ends it in order
        return;
    }
    std::unique_ptr<Connection> connection = make_connection(socket, peer);
    connection->set_deadlines(deadlines_);
    connection->next = first_;
    if (first_ != nullptr) first_->previous = connection.get();
    first_ = connection.get();
    ++counters_.active;
    connection.release()->start(*handler_); // owns itself from here on
}

// If this throws, the socket is still the caller's.
std::unique_ptr<Connection> ServerCore::make_connection(NativeSocket socket,
                                                        const IpAddress& peer) {
    if (!wants_peer()) return std::make_unique<Connection>(*this, *loop_, socket);
    auto& counted = *by_address_.try_emplace(peer, 0).first;
    try {
        return std::make_unique<CountedConnection>(*this, *loop_, socket, counted);
    } catch (const std::bad_alloc&) {
        forget_if_unused(counted);
        throw;
    }
}

bool ServerCore::is_over_limit(const IpAddress& peer) const noexcept {
    if (options_.max_connections > 0 && counters_.active >= options_.max_connections) return true;
    if (!wants_peer()) return false;
    const auto found = by_address_.find(peer);
    return found != by_address_.end() && found->second >= options_.max_connections_per_address;
}

void ServerCore::ended(Connection& connection) noexcept {
    (connection.previous == nullptr ? first_ : connection.previous->next) = connection.next;
    if (connection.next != nullptr) connection.next->previous = connection.previous;
    if (wants_peer()) forget_if_unused(static_cast<CountedConnection&>(connection).uncount());
    --counters_.active;
    counters_.bytes_received += connection.stream().bytes_received();
    counters_.bytes_sent += connection.stream().bytes_sent();
    if (options_.on_end != nullptr) report_end(connection.stream());
    if (first_ == nullptr && drainer_ != nullptr)
        std::exchange(drainer_, nullptr)->finish_later({});
}

void ServerCore::on_accept_pause(PackedError reason) noexcept {
    if (options_.log == nullptr) return;
    try {
        options_.log("accepting on " + source_->endpoint().to_string() +
                     " pauses: " + reason.code().message());
    } catch (const std::bad_alloc&) {
        return; // counted all the same
    }
}

void ServerCore::visit(void (*visitor)(void*, const TcpStream&), void* context) const {
    for (Connection* each = first_; each != nullptr; each = each->next)
        visitor(context, each->stream());
}

void ServerCore::report_end(const TcpStream& stream) const noexcept {
    try {
        EndReport report = stream.end_report();
        if (report.kind == EndKind::open) report.kind = EndKind::closed_locally;
        options_.on_end(report);
    } catch (const std::bad_alloc&) {
        return; // without memory there is no report
    }
}

void ServerCore::log_failure(const char* what) noexcept {
    try {
        options_.log(std::string("handler failed: ") + what);
    } catch (const std::bad_alloc&) {
        options_.log(what);
    }
}

void ServerCore::failed(std::exception_ptr exception) noexcept {
    ++counters_.failed_handlers;
    if (options_.log == nullptr) return;
    try {
        std::rethrow_exception(exception);
    } catch (const std::bad_alloc&) {
        options_.log("handler failed: out of memory"); // and a line could not be put together
    } catch (const std::exception& error) {
        log_failure(error.what());
    } catch (...) {
        options_.log("handler failed: an exception that is no std::exception");
    }
}

// Draining

bool DrainOperation::start(PromiseBase& waiter) noexcept {
    return server_.wait_until_empty(*this, waiter);
}

bool ServerCore::wait_until_empty(DrainOperation& operation, PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(drainer_ == nullptr, "a Server is drained by one task at a time");
    if (first_ == nullptr || loop_ == nullptr) return false;
    drainer_ = &operation;
    operation.park_timed(*this, waiter);
    return true;
}

void ServerCore::abandon(Operation&) noexcept { drainer_ = nullptr; }

LoopCore& ServerCore::begin_drain(Duration quiet) noexcept {
    stop_accepting();
    for (Connection* each = first_; each != nullptr; each = each->next)
        each->stream().limit_quiet(quiet);
    return *loop_;
}

Task<Result<void>> ServerCore::drain(std::weak_ptr<ServerCore> server, Duration limit,
                                     Duration quiet) {
    constexpr auto pause = std::chrono::milliseconds(5);
    // Not locked across a wait: the server may go meanwhile, and takes its handlers along then.
    LoopCore& loop = server.lock()->begin_drain(quiet);
    const std::int64_t end_ns = loop.moment_after(within(limit).timeout_ns());
    DrainOperation drained(*server.lock(), within(limit));
    const PackedError ended = co_await drained;
    // The sockets that the loop still sees off carry the last answers to their peers.
    while (!ended && loop.counters().lingering > 0 && loop.now_ns() < end_ns) {
        if (const auto slept = co_await sleep(pause); !slept) break;
    }
    const std::shared_ptr<ServerCore> core = server.lock();
    if (core == nullptr) co_return failure(Errc::cancelled);
    core->stop();
    if (ended == PackedError(Errc::cancelled)) co_return failure(Errc::cancelled);
    if (ended || loop.counters().lingering > 0) co_return failure(Errc::deadline_expired);
    co_return Result<void>();
}

} // namespace detail

void ServerOptions::log_to_standard_error(std::string_view line) noexcept {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

// Server

Result<Server> Server::listen(EventLoop& loop, std::string_view address,
                              const ServerOptions& options) {
    const Result<Endpoint> endpoint = Endpoint::parse(address);
    if (!endpoint) return failure(endpoint.error());
    return listen(loop, *endpoint, options);
}

Result<Server> Server::listen(EventLoop& loop, const Endpoint& address,
                              const ServerOptions& options) {
    auto listener = TcpListener::listen(loop, address, options.listen);
    if (!listener) return failure(std::move(listener.error()));
    return over(loop, std::move(*listener), options);
}

Server Server::over(EventLoop& loop, std::unique_ptr<TcpListener> listener,
                    const ServerOptions& options) {
    return Server(std::make_shared<detail::ServerCore>(
        loop, std::make_unique<detail::ListenerSource>(std::move(listener)), options));
}

Server::Server(std::shared_ptr<detail::ServerCore> core) noexcept : core_(std::move(core)) {}
Server::Server(Server&& other) noexcept = default;
Server& Server::operator=(Server&& other) noexcept = default;
Server::~Server() = default;

void Server::start(std::unique_ptr<detail::ConnectionHandler> handler) {
    core_->start(std::move(handler));
}

void Server::visit_connections(void (*visit)(void*, const TcpStream&), void* context) const {
    core_->visit(visit, context);
}

void Server::stop_accepting() noexcept { core_->stop_accepting(); }

Task<Result<void>> Server::drain(Duration limit, Duration quiet) {
    return detail::ServerCore::drain(core_, limit, quiet);
}

void Server::stop() noexcept { core_->stop(); }

const Endpoint& Server::endpoint() const noexcept { return core_->endpoint(); }

ServerCounters Server::counters() const noexcept { return core_->counters(); }

} // namespace tidemill
