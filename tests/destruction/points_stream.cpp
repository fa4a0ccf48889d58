// The points of streams, over each transport, and of listeners and servers.
#include "core/loop_core.hpp"
#include "destruction/worlds.hpp"
#include "support/forwarding_sockets.hpp"
#include <array>
#include <tidemill/net/server.hpp>

namespace tidemill::destruction {
namespace {

using namespace support;

template <class T> class StreamWorld : public World {
public:
    explicit StreamWorld(const LoopOptions& options = {}) : World(options) {
        std::tie(near, far) = T::connect(*fixture);
    }
    void destroy_object() override { near.reset(); }

protected:
    typename T::Handle near;
    typename T::Handle far;
};

template <class T> struct Read final : StreamWorld<T> {
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->read(within(World::limit)));
    }
};

template <class T> struct ReadInto final : StreamWorld<T> {
    Task<std::error_code> wait() override {
        std::array<std::byte, 64> buffer;
        co_return code_of(co_await this->near->read(buffer, within(World::limit)));
    }
};

template <class T> struct Write final : StreamWorld<T> {
    std::string text = pattern(more_than_fits);
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->write(text, within(World::limit)));
    }
};

template <class T> struct Shutdown final : StreamWorld<T> {
    Shutdown() : StreamWorld<T>(one_operation_a_turn()) {}
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->shutdown_write());
    }
};

template <class T> struct Close final : StreamWorld<T> {
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->close_gracefully(within(World::limit)));
    }
};

// A system that never has news of acknowledgements; lives for ever, as loops borrow it.
class NeverAcknowledged final : public ForwardingSockets {
public:
    static NeverAcknowledged& instance() {
        static NeverAcknowledged sockets;
        return sockets;
    }
    detail::Unacknowledged unacknowledged(NativeSocket, const detail::Accepted&) override {
        return {1, false, 0, {}};
    }
};

class Acknowledged final : public World {
public:
    Acknowledged() {
        fixture.emplace(LoopOptions(), [](const LoopOptions& options) {
            detail::Seams seams;
            seams.sockets = &NeverAcknowledged::instance();
            return std::make_unique<detail::LoopCore>(options, std::move(seams));
        });
        std::tie(near, far) = Tcp::connect(*fixture);
    }
    Task<std::error_code> wait() override {
        co_return code_of(co_await near->acknowledged(within(limit)));
    }
    void destroy_object() override { near.reset(); }

private:
    Tcp::Handle near;
    Tcp::Handle far;
};

class Accept final : public World {
public:
    Accept() : listener(*TcpListener::listen(fixture->loop, *Endpoint::parse("127.0.0.1:0"))) {}
    Task<std::error_code> wait() override {
        co_return code_of(co_await listener->accept(within(limit)));
    }
    void destroy_object() override { listener.reset(); }

private:
    std::unique_ptr<TcpListener> listener;
};

// The connection goes on in the kernel until the loop is turned, which happens after the victim
// has gone. For the deadline the listener's queue would have to be full: see `has_deadline`.
class Connect final : public World {
public:
    Connect() : listener(*TcpListener::listen(fixture->loop, *Endpoint::parse("127.0.0.1:0"))) {}
    Task<std::error_code> wait() override {
        co_return code_of(
            co_await TcpStream::connect(fixture->loop, listener->endpoint(), within(limit)));
    }

private:
    std::unique_ptr<TcpListener> listener;
};

class Drain final : public World {
public:
    Drain() {
        ServerOptions options;
        options.idle_timeout = 0s;
        server.emplace(*Server::listen(fixture->loop, "127.0.0.1:0", options));
        server->serve(hear);
        client.emplace(fixture->loop, dial(fixture->loop, server->endpoint()));
        REQUIRE(fixture->turn_until([&] { return server->counters().active == 1; }));
    }
    Task<std::error_code> wait() override {
        co_return code_of(co_await server->drain(limit, std::chrono::hours(1)));
    }
    void destroy_object() override { server.reset(); }

private:
    static Task<void> hear(TcpStream& peer) {
        static_cast<void>(co_await peer.read(Deadline::never()));
    }
    static Task<Result<TcpStream>> dial(EventLoop& loop, Endpoint peer) {
        co_return co_await TcpStream::connect(loop, peer);
    }
    std::optional<Server> server;
    std::optional<Pending<Result<TcpStream>>> client;
};

constexpr Case cases[] = {
    {SuspensionPoint::stream_read, "memory", make_world<Read<Memory>>},
    {SuspensionPoint::stream_read, "tcp", make_world<Read<Tcp>>},
    {SuspensionPoint::stream_read_into, "memory", make_world<ReadInto<Memory>>},
    {SuspensionPoint::stream_read_into, "tcp", make_world<ReadInto<Tcp>>},
    {SuspensionPoint::stream_write, "memory", make_world<Write<Memory>>},
    {SuspensionPoint::stream_write, "tcp", make_world<Write<Tcp>>},
    {SuspensionPoint::stream_shutdown, "memory", make_world<Shutdown<Memory>>, false, false},
    {SuspensionPoint::stream_shutdown, "tcp", make_world<Shutdown<Tcp>>, false, false},
    {SuspensionPoint::stream_close, "memory", make_world<Close<Memory>>},
    {SuspensionPoint::stream_close, "tcp", make_world<Close<Tcp>>},
    {SuspensionPoint::stream_acknowledged, "tcp", make_world<Acknowledged>, true, false},
    {SuspensionPoint::tcp_accept, "tcp", make_world<Accept>},
    {SuspensionPoint::tcp_connect, "tcp", make_world<Connect>, false, false},
    {SuspensionPoint::drain, "tcp", make_world<Drain>},
};

} // namespace

std::span<const Case> stream_cases() { return cases; }

} // namespace tidemill::destruction
