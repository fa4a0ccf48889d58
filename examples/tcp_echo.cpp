// The smallest TCP echo server: tcp_echo 127.0.0.1:7000
#include <cstdio>
#include <tidemill/tidemill.hpp>

using namespace tidemill;

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return; // any end; the server closes in order
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

int main(int argc, char** argv) {
    EventLoop loop;
    auto server = Server::listen(loop, argc > 1 ? argv[1] : "127.0.0.1:7000");
    if (!server) {
        std::fprintf(stderr, "tcp_echo: %s\n", server.error().message().c_str());
        return 1;
    }
    server->serve(echo);
    std::printf("listening tcp %s\n", server->endpoint().to_string().c_str());
    std::fflush(stdout);
    loop.run();
}
