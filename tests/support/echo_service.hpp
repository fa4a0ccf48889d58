// An echo service as many tests want it: what serves, who asks, and the pool that both run on.
#pragma once

#include <cstddef>
#include <tidemill/tidemill.hpp>

namespace tidemill {

inline LoopPoolOptions pool_of(std::size_t loops) {
    LoopPoolOptions options;
    options.loops = loops;
    return options;
}

/// Without deadlines of its own, so that a test may move the clock: the peer's end ends it.
inline Task<void> echo(Stream& peer) {
    for (;;) {
        auto chunk = co_await peer.read();
        if (!chunk || chunk->empty()) co_return;
        if (const auto sent = co_await peer.write(*chunk); !sent) co_return;
    }
}

/// Whether a connection of its own gets back what it sends.
inline Task<bool> is_answered(EventLoop& loop, Endpoint server) {
    using namespace std::chrono_literals;
    auto stream = co_await TcpStream::connect(loop, server, within(5s));
    if (!stream) co_return false;
    const auto sent = co_await stream->write("hello", within(5s));
    if (!sent) co_return false;
    const auto answer = co_await stream->read(within(5s));
    co_return answer && answer->text() == "hello";
}

} // namespace tidemill
