// What the library itself keeps of a connection: streams without a Server and without coroutines of
// their own. Each is accepted, echoes one message, and is then held.
#include <cstdio>
#include <list>
#include <tidemill/tidemill.hpp>

using namespace tidemill;

namespace {

Task<void> hold_all(TcpListener& listener, std::list<TcpStream>& held) {
    for (;;) {
        auto accepted = co_await listener.accept();
        if (!accepted) co_return;
        TcpStream& peer = held.emplace_back(std::move(*accepted));
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return;
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

} // namespace

int main() {
    EventLoop loop;
    std::list<TcpStream> held;
    auto listener = TcpListener::listen(loop, *Endpoint::parse("127.0.0.1:0"));
    if (!listener) {
        std::fprintf(stderr, "idle_streams: %s\n", listener.error().message().c_str());
        return 1;
    }
    std::printf("listening tcp %s\n", (*listener)->endpoint().to_string().c_str());
    std::fflush(stdout);
    loop.run(hold_all(**listener, held));
}
