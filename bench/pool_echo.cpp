// A minimal TCP echo on the loops of a pool, for the benchmark of several loops.
//
//     pool_echo PORT LOOPS kernel|hand
//
// echo_server lets the library choose how connections come to its loops; here the caller does.
#include <charconv>
#include <cstdio>
#include <string>
#include <tidemill/tidemill.hpp>

using namespace tidemill;

namespace {

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return;
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

Task<void> serve(PoolLoop& here, PoolListener& listener) {
    Server server = or_throw(listener.server_on(here));
    server.serve(echo);
    static_cast<void>(co_await here.stop_requested());
}

int run(const char* port, std::size_t loops, Spread spread) {
    LoopPoolOptions options;
    options.loops = loops;
    LoopPool pool(options);
    PoolListener listener =
        or_throw(PoolListener::listen(pool, std::string("127.0.0.1:") + port, {}, spread));
    std::printf("listening tcp %s\n", listener.endpoint().to_string().c_str());
    std::fflush(stdout);
    pool.run([&](PoolLoop& here) { return serve(here, listener); }); // until SIGTERM kills it
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const std::string how = argc == 4 ? argv[3] : "";
    std::size_t loops = 0;
    if (argc == 4) std::from_chars(argv[2], argv[2] + std::string(argv[2]).size(), loops);
    if (loops == 0 || (how != "kernel" && how != "hand")) {
        std::fputs("pool_echo PORT LOOPS kernel|hand\n", stderr);
        return 2;
    }
    try {
        return run(argv[1], loops, how == "kernel" ? Spread::by_kernel : Spread::by_hand_over);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pool_echo: %s\n", error.what());
        return 1;
    }
}
