// Scenarios of what is set and asked beside the bytes: options, what the system knows of a
// connection, whether the peer's has everything, and a listener that somebody else has made.
#include "torture/scenarios.hpp"

#include <tidemill/net/server.hpp>

namespace tidemill::torture {
namespace {

// Some systems cannot tell: that is no harm, and no fault of the plan.
template <class Value> void note_unless_unsupported(World& world, const Result<Value>& result) {
    if (!result && !(result.error() == Errc::not_supported)) world.note(result.error());
}

Task<void> ask_all(World& world, Server& server) {
    TcpOptions options;
    options.keep_alive = true;
    options.keep_alive_idle = 30s;
    options.keep_alive_count = 3;
    {
        auto stream =
            co_await TcpStream::connect(world.loop(), server.endpoint(), Deadline(), options);
        if (!stream) {
            world.note(stream.error());
            world.came("a connection", "");
        } else {
            const std::vector<std::string> texts(1, text_of(900, 1));
            const bool is_whole = co_await converse(world, *stream, texts);
            if (is_whole) {
                const auto there = co_await stream->acknowledged();
                note_unless_unsupported(world, there);
            }
            note_unless_unsupported(world, stream->info());
            options.keep_alive = false;
            note_unless_unsupported(world, stream->set_options(options));
            if (is_whole) static_cast<void>(co_await converse(world, *stream, texts));
        }
    }
    const auto ended = co_await server.drain(3s);
    if (!ended) world.note(ended.error());
}

void serve_and_ask(World& world, Result<Server> server) {
    if (!server) {
        world.note(server.error());
        return world.came("a server", "");
    }
    server->serve([&](Stream& stream) { return echo(world, stream); });
    world.start(ask_all(world, *server));
    world.run_all();
}

// As a parent process would have made it; by the seam, so that the books know of it.
Result<NativeSocket> foreign_listener(detail::Sockets& sockets) {
    const Endpoint local = fresh_address();
    const auto made = sockets.open(local.address(), detail::SocketKind::stream);
    if (made.error) return failure(made.error.code());
    detail::PackedError error = sockets.bind(made.socket, local);
    if (!error) error = sockets.listen(made.socket, 8);
    if (!error) return made.socket;
    sockets.close(made.socket);
    return failure(error.code());
}

} // namespace

void run_knowledge(World& world) {
    serve_and_ask(world, Server::listen(world.loop(), fresh_address()));
}

void run_adopted(World& world) {
    detail::Sockets& sockets = world.loop().core().sockets();
    const auto foreign = foreign_listener(sockets);
    if (!foreign) return serve_and_ask(world, failure(foreign.error()));
    auto listener = TcpListener::adopt(world.loop(), *foreign);
    if (!listener) {
        sockets.close(*foreign); // what was not adopted is still its owner's
        return serve_and_ask(world, failure(listener.error()));
    }
    serve_and_ask(world, Server::over(world.loop(), std::move(*listener)));
}

} // namespace tidemill::torture
