// Scenarios over TLS: a handshake, an echo, and an end that both sides announce.
#include "torture/scenarios.hpp"

#include "tls/tls_support.hpp"
#include <tidemill/net/server.hpp>
#include <tidemill/tls/tls_stream.hpp>

namespace tidemill::torture {
namespace {

// Made once: keys are read from files, which are no part of a scenario.
const TlsServerContext& server_side() {
    static const TlsServerContext context = support::server_context();
    return context;
}
const TlsClientContext& client_side() {
    static const TlsClientContext context = support::client_context();
    return context;
}

Task<bool> shaken(World& world, TlsStream& stream) {
    const auto result = co_await stream.handshake();
    if (!result) world.note(result.error());
    co_return result.has_value();
}

Task<void> closed(World& world, Stream& stream) {
    const auto result = co_await stream.close_gracefully();
    if (!result) world.note(result.error());
}

Task<void> serve(World& world, TcpStream& peer, bool gracefully) {
    TlsStream stream(peer, server_side());
    const bool is_ready = co_await shaken(world, stream);
    if (!is_ready) co_return;
    co_await echo(world, stream);
    if (gracefully) co_await closed(world, stream);
}

Task<void> speak(World& world, TlsStream& stream, bool gracefully) {
    const bool is_ready = co_await shaken(world, stream);
    if (!is_ready) co_return world.came("a handshake", "");
    std::vector<std::string> texts;
    for (const unsigned size : {5u, 900u, 20'000u}) texts.push_back(text_of(size, 1));
    const bool is_whole = co_await converse(world, stream, texts);
    if (!is_whole) co_return;
    const auto ended = co_await stream.shutdown_write();
    if (!ended) co_return world.note(ended.error());
    world.came("", co_await read_all(world, stream));
    if (gracefully) co_await closed(world, stream);
}

Task<void> ask(World& world, Server& server, bool gracefully) {
    auto made = co_await TcpStream::connect(world.loop(), server.endpoint());
    if (made) {
        TlsStream stream(*made, client_side(), "localhost");
        co_await speak(world, stream, gracefully);
    } else {
        world.note(made.error());
        world.came("a connection", "");
    }
    if (made) made->close();
    const auto ended = co_await server.drain(3s);
    if (!ended) world.note(ended.error());
}

void run(World& world, bool gracefully) {
    auto server = Server::listen(world.loop(), fresh_address());
    if (!server) {
        world.note(server.error());
        return world.came("a server", "");
    }
    server->serve([&](TcpStream& peer) { return serve(world, peer, gracefully); });
    world.start(ask(world, *server, gracefully));
    world.run_all();
}

} // namespace

void run_tls(World& world) { run(world, true); }
void run_tls_lingering_close(World& world) { run(world, false); }

} // namespace tidemill::torture
