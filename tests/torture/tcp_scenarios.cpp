// Scenarios over TCP.
#include "torture/scenarios.hpp"

#include <optional>
#include <tidemill/net/server.hpp>

namespace tidemill::torture {

namespace {

constexpr std::size_t large_bytes = 40'000;

/// A server for a scenario; none if it could not listen, which is told then.
std::optional<Server> server_in(World& world, const ServerOptions& options = {}) {
    auto server = Server::listen(world.loop(), fresh_address(), options);
    if (server) return std::move(*server);
    world.note(server.error());
    world.came("a server", "");
    return std::nullopt;
}

/// A connection to `peer`; what prevents it is told.
Task<TcpStream> connected(World& world, Endpoint peer, TcpOptions options = {}) {
    auto made = co_await TcpStream::connect(world.loop(), peer, Deadline(), options);
    if (made) co_return std::move(*made);
    world.note(made.error());
    world.came("a connection", "");
    co_return TcpStream();
}

Task<void> drained(World& world, Server& server) {
    const auto ended = co_await server.drain(3s);
    if (!ended) world.note(ended.error());
}

/// Closes in order and tells how that went.
Task<void> closed(World& world, Stream& stream) {
    const auto result = co_await stream.close_gracefully();
    if (!result) world.note(result.error());
}

bool told(World& world, const Result<void>& result) {
    if (!result) world.note(result.error());
    return result.has_value();
}

// Connecting, options and names

Task<void> look_around(World& world, Endpoint peer) {
    TcpOptions options;
    options.keep_alive = true;
    options.receive_buffer_bytes = 32 * 1024;
    options.send_buffer_bytes = 32 * 1024;
    TcpStream stream = co_await connected(world, peer, options);
    if (!stream.is_open()) co_return;
    if (const auto local = stream.local_endpoint(); !local) world.note(local.error());
    if (const auto far = stream.peer_endpoint(); !far) world.note(far.error());
    if (const auto set = stream.options(); !set) world.note(set.error());
    options.keep_alive = false;
    static_cast<void>(told(world, stream.set_options(options)));
    world.came("", co_await read_all(world, stream));
}

Task<void> welcome(World& world, TcpListener& listener) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
        if (!(accepted.error() == Errc::cancelled)) world.note(accepted.error());
        co_return listener.close(); // who is in its queue is not to wait for ever
    }
    const auto ended = co_await accepted->shutdown_write();
    if (!told(world, ended)) co_return;
    world.came("", co_await read_all(world, *accepted));
}

Task<void> meet(World& world, TcpListener& listener) {
    co_await look_around(world, listener.endpoint());
    listener.cancel(); // who waits in vain because the client did not come
}

// Echo

Task<void> ask(World& world, Server& server) {
    {
        TcpStream stream = co_await connected(world, server.endpoint());
        std::vector<std::string> texts;
        for (const unsigned size : {5u, 900u, 3'000u}) texts.push_back(text_of(size, 1));
        const bool is_whole = stream.is_open() && co_await converse(world, stream, texts);
        if (is_whole) {
            const auto ended = co_await stream.shutdown_write();
            if (told(world, ended)) world.came("", co_await read_all(world, stream));
        }
    }
    co_await drained(world, server);
}

// Half-close: the whole question, its end, the whole answer

Task<void> answer_at_end(World& world, TcpStream& stream) {
    const std::string question = co_await read_all(world, stream);
    world.came(text_of(large_bytes, 2), question);
    const std::string head = text_of(10, 3);
    const std::string body = text_of(large_bytes, 4);
    const auto sent = co_await stream.write(head, body);
    if (!told(world, sent)) co_return;
    const auto ended = co_await stream.shutdown_write();
    static_cast<void>(told(world, ended));
}

Task<void> ask_all(World& world, TcpStream& stream) {
    const std::string question = text_of(large_bytes, 2);
    const auto sent = co_await stream.write(question);
    if (!told(world, sent)) co_return;
    const auto ended = co_await stream.shutdown_write();
    if (!told(world, ended)) co_return;
    world.came(text_of(10, 3) + text_of(large_bytes, 4), co_await read_all(world, stream));
}

Task<void> ask_and_end(World& world, Server& server) {
    {
        TcpStream stream = co_await connected(world, server.endpoint());
        if (stream.is_open()) co_await ask_all(world, stream);
    }
    co_await drained(world, server);
}

// Graceful close beside a peer that goes on talking

Task<void> talk_on(World& world, TcpStream& stream) {
    for (const std::uint32_t seed : {5u, 6u}) {
        const std::string text = text_of(3'000, seed);
        const auto sent = co_await stream.write(text);
        if (!told(world, sent)) co_return;
    }
    world.came(text_of(4, 1), co_await read_all(world, stream));
}

Task<void> leave_early(World& world, TcpStream& stream, bool gracefully) {
    const std::string text = text_of(4, 1);
    const auto sent = co_await stream.write(text);
    if (!told(world, sent)) co_return;
    const std::string first = co_await read_some(world, stream, 3'000);
    world.came(text_of(3'000, 5), first.substr(0, 3'000));
    if (gracefully) co_await closed(world, stream);
} // not gracefully: the destructor hands it to those that linger

Task<void> close_early(World& world, Server& server, bool gracefully) {
    {
        TcpStream stream = co_await connected(world, server.endpoint());
        if (stream.is_open()) co_await leave_early(world, stream, gracefully);
    }
    co_await drained(world, server);
}

void run_close(World& world, bool gracefully) {
    std::optional<Server> server = server_in(world);
    if (!server) return;
    server->serve([&](TcpStream& stream) { return talk_on(world, stream); });
    world.start(close_early(world, *server, gracefully));
    world.run_all();
}

// Accepting under load

Task<void> ask_in_crowd(World& world, Endpoint peer, std::uint32_t number, unsigned& waiting,
                        Server& server) {
    {
        TcpStream stream = co_await connected(world, peer);
        std::vector<std::string> texts;
        texts.push_back(text_of(64, number));
        if (stream.is_open()) static_cast<void>(co_await converse(world, stream, texts));
    }
    if (--waiting == 0) co_await drained(world, server);
}

} // namespace

void run_connect(World& world) {
    auto listener = TcpListener::listen(world.loop(), fresh_address());
    if (!listener) {
        world.note(listener.error());
        return world.came("a listener", "");
    }
    world.start(welcome(world, **listener));
    world.start(meet(world, **listener));
    world.run_all();
}

void run_echo(World& world) {
    std::optional<Server> server = server_in(world);
    if (!server) return;
    server->serve([&](Stream& stream) { return echo(world, stream); });
    world.start(ask(world, *server));
    world.run_all();
}

void run_half_close(World& world) {
    std::optional<Server> server = server_in(world);
    if (!server) return;
    server->serve([&](TcpStream& stream) { return answer_at_end(world, stream); });
    world.start(ask_and_end(world, *server));
    world.run_all();
}

void run_graceful_close(World& world) { run_close(world, true); }
void run_lingering_close(World& world) { run_close(world, false); }

void run_accept_under_load(World& world) {
    constexpr unsigned clients = 6;
    ServerOptions options;
    options.max_connections_per_address = 100; // so that the peers' addresses are asked for
    std::optional<Server> server = server_in(world, options);
    if (!server) return;
    server->serve([&](Stream& stream) { return echo(world, stream); });
    unsigned waiting = clients;
    for (std::uint32_t number = 0; number < clients; ++number)
        world.start(ask_in_crowd(world, server->endpoint(), number, waiting, *server));
    world.run_all();
}

} // namespace tidemill::torture
