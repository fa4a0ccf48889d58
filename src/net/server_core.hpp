// The inside of a Server: its connections, each one object that owns the stream and the handler.
#pragma once

#include "core/loop_core.hpp"
#include <tidemill/net/server.hpp>
#include <unordered_map>

namespace tidemill::detail {

class ServerCore;
using ConnectionsByAddress = std::unordered_map<IpAddress, std::size_t>;

/// One connection. The stream lies inside, beside the task that uses it: a wrapper coroutine that
/// owned both would cost twice the memory.
class Connection : public TaskOwner {
public:
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_frame(memory, size);
    }

    Connection(ServerCore& server, LoopCore& loop, NativeSocket socket);
    virtual ~Connection() = default;
    /// Runs the handler up to its first suspension; the connection may be gone when this returns.
    void start(ConnectionHandler& handler) noexcept;
    /// The server goes: destroys the task and this object, at once or when its code has suspended.
    void destroy_or_doom() noexcept;

    void child_stopped(PromiseBase& root) noexcept override;
    void child_failed(std::exception_ptr exception) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return "server"; }
    [[nodiscard]] TcpStream& stream() noexcept { return stream_; }
    /// Before anything waits: all of them at once.
    void set_deadlines(const StreamDeadlines& deadlines) noexcept {
        stream_.deadlines_ = deadlines;
    }

    Connection* next = nullptr;
    Connection* previous = nullptr;

private:
    ServerCore* server_; ///< null once the server is gone
    PromiseBase* task_ = nullptr;
    TcpStream stream_;
};

/// One that counts against the limit of its address.
class CountedConnection final : public Connection {
public:
    CountedConnection(ServerCore& server, LoopCore& loop, NativeSocket socket,
                      ConnectionsByAddress::value_type& counted)
        : Connection(server, loop, socket), counted_(counted) {
        ++counted_.second;
    }
    /// The count of its address, without it from now on.
    [[nodiscard]] ConnectionsByAddress::value_type& uncount() noexcept {
        --counted_.second;
        return counted_;
    }

private:
    ConnectionsByAddress::value_type& counted_;
};

/// Waits until a server has no connection left.
class DrainOperation final : public TimedOperation {
public:
    DrainOperation(ServerCore& server, Deadline deadline) noexcept
        : TimedOperation(SuspensionPoint::drain, deadline), server_(server) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] PackedError await_resume() const noexcept { return error(); }

private:
    bool start(PromiseBase& waiter) noexcept;
    ServerCore& server_;
};

/// Where the connections of a server come from.
class ConnectionSource {
public:
    virtual ~ConnectionSource() = default;
    /// Connections go to `sink` from now on. Once only.
    virtual void feed(ConnectionSink& sink) = 0;
    /// No more of them.
    virtual void close() noexcept = 0;
    [[nodiscard]] virtual bool is_open() const noexcept = 0;
    [[nodiscard]] virtual const Endpoint& endpoint() const noexcept = 0;
};

/// From a listener of the server's own loop.
class ListenerSource final : public ConnectionSource {
public:
    explicit ListenerSource(std::unique_ptr<TcpListener> listener) noexcept
        : listener_(std::move(listener)) {}
    void feed(ConnectionSink& sink) override { listener_->feed(sink); }
    void close() noexcept override { listener_->close(); }
    [[nodiscard]] bool is_open() const noexcept override { return listener_->is_open(); }
    [[nodiscard]] const Endpoint& endpoint() const noexcept override {
        return listener_->endpoint();
    }

private:
    std::unique_ptr<TcpListener> listener_;
};

class ServerCore final : private ConnectionSink, private OperationOwner, private LoopMember {
public:
    ServerCore(EventLoop& loop, std::unique_ptr<ConnectionSource> source,
               const ServerOptions& options);
    ~ServerCore();

    void start(std::unique_ptr<ConnectionHandler> handler);
    void stop_accepting() noexcept { source_->close(); }
    void stop() noexcept;
    /// The server may be destroyed while this waits, and the wait is `cancelled` then.
    [[nodiscard]] static Task<Result<void>> drain(std::weak_ptr<ServerCore> server, Duration limit,
                                                  Duration quiet);
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return source_->endpoint(); }
    [[nodiscard]] const ServerCounters& counters() const noexcept { return counters_; }

    void visit(void (*visitor)(void*, const TcpStream&), void* context) const;
    void ended(Connection& connection) noexcept;
    void log_failure(const char* what) noexcept;
    void failed(std::exception_ptr exception) noexcept;
    /// Limits the silence of every connection and gives the loop.
    LoopCore& begin_drain(Duration quiet) noexcept;
    bool wait_until_empty(DrainOperation& operation, PromiseBase& waiter) noexcept;

private:
    [[nodiscard]] bool on_connection(NativeSocket socket, const Endpoint& peer) noexcept override;
    [[nodiscard]] bool wants_peer() const noexcept override {
        return options_.max_connections_per_address > 0;
    }
    void on_accept_pause(PackedError reason) noexcept override;
    void on_listener_gone() noexcept override {}
    void on_loop_gone() noexcept override;
    void abandon(Operation& operation) noexcept override;
    void report_end(const TcpStream& stream) const noexcept;
    void admit(NativeSocket socket, const IpAddress& peer);
    [[nodiscard]] std::unique_ptr<Connection> make_connection(NativeSocket socket,
                                                              const IpAddress& peer);
    void forget_if_unused(const ConnectionsByAddress::value_type& counted) noexcept {
        if (counted.second == 0) by_address_.erase(by_address_.find(counted.first));
    }
    [[nodiscard]] bool is_over_limit(const IpAddress& peer) const noexcept;

    LoopCore* loop_;
    std::unique_ptr<ConnectionSource> source_;
    ServerOptions options_;
    StreamDeadlines deadlines_; ///< what each connection begins with
    std::unique_ptr<ConnectionHandler> handler_;
    Connection* first_ = nullptr;
    ConnectionsByAddress by_address_;
    ServerCounters counters_;
    DrainOperation* drainer_ = nullptr;
};

} // namespace tidemill::detail
