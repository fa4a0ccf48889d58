// Sends standard input over TLS and prints the answer:
//
//     tls_client HOST PORT [--ca FILE] [--insecure] [--alpn PROTOCOL]...
//
// Exit status: 0 after an orderly end of a peer that is trusted; tls_client/arguments.hpp has the
// others.
#include "tls_client/arguments.hpp"
#include <cstdio>
#include <tidemill/tidemill.hpp>

using namespace tidemill;

Task<void> send_input(Stream& peer, StandardInput& input) {
    auto chunk = co_await input.read();
    for (; chunk && !chunk->empty(); chunk = co_await input.read())
        if (auto sent = co_await peer.write(*chunk); !sent) co_return; // the reader learns why
    if (!chunk) co_return peer.abort(); // half of the input must not look like all of it
    static_cast<void>(co_await peer.shutdown_write());
}

Task<void> talk(EventLoop& loop, const tls_client::Arguments& to) {
    auto peer = or_throw(co_await TlsStream::connect(loop, to.address, to.context, to.host));
    StandardInput input(loop);
    TaskScope sending(loop);
    sending.spawn(send_input(*peer, input));
    auto chunk = co_await peer->read();
    for (; chunk && !chunk->empty(); chunk = co_await peer->read())
        std::fwrite(chunk->data(), 1, chunk->size(), stdout);
    if (!chunk) throw_error(peer->tls_failure() ? *peer->tls_failure() : chunk.error());
}

int main(int argc, char** argv) try {
    EventLoop loop;
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    loop.run(talk(loop, tls_client::parse_arguments(argc, argv)));
} catch (const std::exception& error) {
    std::fprintf(stderr, "tls_client: %s\n", error.what());
    return tls_client::exit_status(error);
}
