// What the UDP tests share: a loop with two sockets on loopback, and waits with a ceiling.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <tidemill/tidemill.hpp>

namespace tidemill::udp_test {

using namespace std::chrono_literals;

/// No test waits longer for something that should come.
inline constexpr Duration ceiling = 5s;

inline const Endpoint any_port_v4{IpAddress::loopback_v4(), 0};
inline const Endpoint any_port_v6{IpAddress::loopback_v6(), 0};

using SocketPointer = std::unique_ptr<UdpSocket>;

struct Pair {
    explicit Pair(const Endpoint& local = any_port_v4, const UdpOptions& options = {},
                  const LoopOptions& loop_options = {})
        : loop(loop_options), near(or_throw(UdpSocket::bind(loop, local, options))),
          far(or_throw(UdpSocket::bind(loop, local, options))) {}

    void far_sends(std::string_view text) {
        REQUIRE(loop.run(send(*far, std::string(text), near->endpoint())));
    }
    Result<Datagram> near_receives(Deadline deadline = within(ceiling)) {
        return loop.run(receive(*near, deadline));
    }

    static Task<Result<void>> send(UdpSocket& socket, std::string text, Endpoint to) {
        co_return co_await socket.send(text, to);
    }
    static Task<Result<Datagram>> receive(UdpSocket& socket, Deadline deadline) {
        co_return co_await socket.receive(deadline);
    }

    EventLoop loop;
    SocketPointer near;
    SocketPointer far;
};

/// Stands still, but for what the test adds.
class StoppedClock final : public Clock {
public:
    Duration now() noexcept override { return now_; }
    Duration longest_wait(Duration) noexcept override { return Duration::zero(); }
    void advance(Duration by) noexcept { now_ += by; }

private:
    Duration now_ = 1s;
};

inline void turn(EventLoop& loop, int turns = 1) {
    for (int i = 0; i < turns; ++i) loop.run_once(Duration::zero());
}

/// Turns the loop until `done()`; what it waits for comes through the kernel, on loopback.
template <class Done> void turn_until(EventLoop& loop, Done done) {
    for (int i = 0; i < 5000 && !done(); ++i) loop.run_once(1ms);
    REQUIRE(done());
}

/// One receive as a task of its own, so that its owner can be told to stop.
struct Waiting {
    Waiting(EventLoop& loop, UdpSocket& socket, Deadline deadline = {}) : scope(loop) {
        scope.spawn(receive(socket, deadline));
    }
    Task<void> receive(UdpSocket& socket, Deadline deadline) {
        result = co_await socket.receive(deadline);
        ++resumptions;
    }

    std::optional<Result<Datagram>> result;
    int resumptions = 0;
    TaskScope scope;
};

/// A port on which nobody listens.
inline Endpoint dead_port(EventLoop& loop) {
    return or_throw(UdpSocket::bind(loop, any_port_v4))->endpoint();
}

} // namespace tidemill::udp_test
