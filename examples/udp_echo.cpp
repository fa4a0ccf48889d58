// The smallest UDP echo server: udp_echo 127.0.0.1:7000
#include <cstdio>
#include <tidemill/tidemill.hpp>

using namespace tidemill;

Task<void> echo(UdpSocket& socket) {
    while (socket.is_open()) {
        auto datagram = co_await socket.receive();
        if (!datagram) continue; // the error of one datagram ends nothing
        // Two echo servers that heard each other, or one itself, would never stop.
        if (datagram->sender.port() == socket.endpoint().port()) continue;
        static_cast<void>(co_await socket.send(datagram->payload, datagram->sender));
    }
}

int main(int argc, char** argv) {
    EventLoop loop;
    auto local = Endpoint::parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
    auto socket = local.and_then([&](Endpoint at) { return UdpSocket::bind(loop, at); });
    if (!socket) {
        std::fprintf(stderr, "udp_echo: %s\n", socket.error().message().c_str());
        return 1;
    }
    std::printf("listening udp %s\n", (*socket)->endpoint().to_string().c_str());
    std::fflush(stdout);
    loop.run(echo(**socket));
}
