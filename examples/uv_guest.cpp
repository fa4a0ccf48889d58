// A libuv program with a tidemill echo server inside: uv_guest 127.0.0.1:7000
//
// The program has a loop and a timer of its own, and takes SIGTERM itself; tidemill's server lives
// in that loop as its guest. Each may end first: on a signal the host closes the server, and
// uv_run() returns when the last connection has gone.
#include <csignal>
#include <cstdio>
#include <tidemill/tidemill.hpp>
#include <tidemill/uv/guest.hpp>
#include <uv.h>

using namespace tidemill;

namespace {

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return; // any end; the server closes in order
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

struct Host {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signal;
    unsigned ticks = 0;
    Server* server = nullptr;
};

void on_timer(uv_timer_t* timer) { ++static_cast<Host*>(timer->data)->ticks; }

void on_signal(uv_signal_t* signal, int) {
    Host& host = *static_cast<Host*>(signal->data);
    if (host.server != nullptr) host.server->stop();
    ::uv_close(reinterpret_cast<uv_handle_t*>(&host.timer), nullptr);
    ::uv_close(reinterpret_cast<uv_handle_t*>(&host.signal), nullptr);
}

void start(Host& host) {
    ::uv_loop_init(&host.loop);
    ::uv_timer_init(&host.loop, &host.timer);
    ::uv_signal_init(&host.loop, &host.signal);
    host.timer.data = host.signal.data = &host;
    ::uv_timer_start(&host.timer, on_timer, 10, 10);
    ::uv_signal_start(&host.signal, on_signal, SIGTERM);
}

// The server and its connections belong to the guest, so they live shorter.
bool serve(Host& host, const char* address) {
    uv::Guest guest(host.loop);
    auto server = Server::listen(guest.loop(), address);
    if (!server) {
        std::fprintf(stderr, "uv_guest: %s\n", server.error().message().c_str());
        return false;
    }
    server->serve(echo);
    host.server = &*server;
    std::printf("listening tcp %s\n", server->endpoint().to_string().c_str());
    std::fflush(stdout);
    ::uv_run(&host.loop, UV_RUN_DEFAULT);
    std::printf("the host's timer ran %s\n", host.ticks > 0 ? "meanwhile" : "never");
    return true;
}

} // namespace

int main(int argc, char** argv) {
    Host host;
    start(host);
    const bool has_served = serve(host, argc > 1 ? argv[1] : "127.0.0.1:7000");
    if (!has_served) on_signal(&host.signal, 0);
    ::uv_run(&host.loop, UV_RUN_DEFAULT); // libuv lets go of what was closed
    return has_served && ::uv_loop_close(&host.loop) == 0 ? 0 : 1;
}
