// A connection of a guest, for tests that look at what becomes of it.
#pragma once

#include "conformance/support/loopback.hpp"
#include <tidemill/tidemill.hpp>

namespace tidemill::uv_tests {

/// A connection of which the guest's end is being read.
class Reading {
public:
    explicit Reading(EventLoop& loop) : stream(loop.core(), pair.near.release()), scope_(loop) {
        scope_.spawn(read());
    }
    conformance::LoopbackPair pair;
    TcpStream stream;
    std::size_t bytes = 0;

private:
    Task<void> read() {
        for (;;) {
            auto chunk = co_await stream.read(within(std::chrono::seconds(5)));
            if (!chunk || chunk->empty()) co_return;
            bytes += chunk->size();
        }
    }
    TaskScope scope_;
};

} // namespace tidemill::uv_tests
