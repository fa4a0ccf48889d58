// A program whose own loop is poll(2), with a tidemill echo server inside:
//
//     poll_host 127.0.0.1:7000
//
// The loop waits for standard input, as its own business, and for tidemill's descriptor, for at
// most as long as tidemill may be left alone. It ends with its input. Any toolkit that can wait for
// a descriptor and has timers does the same.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <poll.h>
#include <tidemill/tidemill.hpp>
#include <unistd.h>

using namespace tidemill;

namespace {

Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return; // any end; the server closes in order
        if (auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

// In poll's unit, rounded up: to come early would make the loop spin.
int to_poll_ms(Duration timeout) {
    if (timeout < Duration::zero()) return -1; // no limit, for both
    const auto whole_ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    constexpr std::int64_t most_ms = std::numeric_limits<int>::max();
    return static_cast<int>(std::min<std::int64_t>(whole_ms, most_ms));
}

// The program's own part. False: its input has ended.
bool read_line() {
    char bytes[512];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) return false;
    std::printf("input: %zd bytes\n", count);
    std::fflush(stdout);
    return true;
}

void run(EventLoop& loop) {
    for (bool goes_on = true; goes_on;) {
        // Asked for in each turn: the timeout right before the wait, the handle because it may
        // change.
        pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {loop.native_handle(), POLLIN, 0}};
        const int timeout_ms = to_poll_ms(loop.next_timeout());
        if (::poll(watched, std::size(watched), timeout_ms) < 0) continue; // a signal
        if (watched[0].revents != 0) goes_on = read_line();
        loop.run_once(Duration::zero());
    }
}

} // namespace

int main(int argc, char** argv) {
    LoopOptions options;
    options.selector = "epoll"; // the one that has a descriptor to wait for
    EventLoop loop(options);
    auto server = Server::listen(loop, argc > 1 ? argv[1] : "127.0.0.1:7000");
    if (!server) {
        std::fprintf(stderr, "poll_host: %s\n", server.error().message().c_str());
        return 1;
    }
    server->serve(echo);
    std::printf("listening tcp %s\n", server->endpoint().to_string().c_str());
    std::fflush(stdout);
    run(loop);
}
