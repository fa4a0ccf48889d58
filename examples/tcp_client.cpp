// Sends standard input to a peer and prints the answer: tcp_client 127.0.0.1:7000
//
// Exit status: 0 after an orderly end, 2 refused, 3 reset, 4 timed out, 1 anything else.
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

Task<void> talk(EventLoop& loop, Endpoint to) {
    auto peer = or_throw(co_await TcpStream::connect(loop, to, within(std::chrono::seconds(10))));
    StandardInput input(loop);
    TaskScope sending(loop);
    sending.spawn(send_input(peer, input));
    auto chunk = or_throw(co_await peer.read());
    for (; !chunk.empty(); chunk = or_throw(co_await peer.read()))
        std::fwrite(chunk.data(), 1, chunk.size(), stdout);
}

int main(int argc, char** argv) try {
    EventLoop loop;
    use_raw_standard_output();
    loop.run(talk(loop, or_throw(Endpoint::parse(argc > 1 ? argv[1] : "127.0.0.1:7000"))));
} catch (const std::system_error& error) {
    std::fprintf(stderr, "tcp_client: %s\n", error.what());
    if (error.code() == std::errc::connection_refused) return 2;
    if (error.code() == std::errc::connection_reset) return 3;
    return error.code() == std::errc::timed_out ? 4 : 1;
}
