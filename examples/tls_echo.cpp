// The smallest TLS echo server: tls_echo 127.0.0.1:4433 cert.pem key.pem
#include <cstdio>
#include <tidemill/tidemill.hpp>
#include <tidemill/tls/tls_server.hpp>

using namespace tidemill;

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return; // any end; the server closes in order
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

int main(int argc, char** argv) try {
    if (argc != 4) throw std::runtime_error("usage: tls_echo ADDRESS:PORT CERTIFICATE KEY");
    EventLoop loop;
    auto context = or_throw(TlsServerContext::from_files(argv[2], argv[3]));
    auto server = or_throw(Server::listen(loop, argv[1]));
    serve_tls(server, context, echo, {{}, &ServerOptions::log_to_standard_error});
    std::printf("listening tls %s\n", server.endpoint().to_string().c_str());
    std::fflush(stdout);
    loop.run();
} catch (const std::exception& error) {
    std::fprintf(stderr, "tls_echo: %s\n", error.what());
    return 1;
}
