// Each allocation fails once on the way of an accepted connection to its handler, by one loop and
// by hand to another, and in the life of a UDP socket.
//
// The fault ends before the clients that have to be served come, so that none of them can meet it.
#include "support/allocations.hpp"
#include "support/echo_service.hpp"
#include "support/os.hpp"

#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <future>
#include <new>
#include <optional>
#include <thread>
#include <tidemill/tidemill.hpp>

namespace tidemill {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t most_allocations = 500;
constexpr std::size_t loop_count = 2;
constexpr int clients = 4; // two for each loop

int answered(EventLoop& loop, const Endpoint& server) {
    int count = 0;
    for (int i = 0; i < clients; ++i) count += loop.run(is_answered(loop, server)) ? 1 : 0;
    return count;
}

/// A pool of which one loop lacks memory once.
struct HandOver {
    HandOver(std::size_t lacking, std::uint64_t at)
        : which(lacking), ordinal(at), pool(pool_of(loop_count)),
          listener(or_throw(PoolListener::listen(pool, "127.0.0.1:0", {}, Spread::by_hand_over))) {}
    // The failing allocation is the loop's thread's.
    Task<void> serve(PoolLoop& here) {
        ServerOptions counted;
        counted.max_connections_per_address = 100;
        Server server = or_throw(listener.server_on(here, counted));
        server.serve(echo);
        if (here.index() == which) failing.emplace(ordinal);
        if (++serving == loop_count) ready.set_value();
        static_cast<void>(co_await here.stop_requested(within(20s)));
        failing_left[here.index()] = server.counters().active;
    }
    void end_fault() {
        std::promise<void> ended;
        REQUIRE(pool.post(which, [&] {
            has_struck = failing->has_struck();
            failing.reset();
            ended.set_value();
        }));
        ended.get_future().get();
    }

    std::size_t which;
    std::uint64_t ordinal;
    std::optional<support::FailingAllocation> failing;
    bool has_struck = false;
    LoopPool pool;
    PoolListener listener;
    std::atomic<std::size_t> serving = 0;
    std::promise<void> ready;
    std::array<std::size_t, loop_count> failing_left{};
};

// True if the fault was met.
bool hand_over(std::size_t which, std::uint64_t ordinal) {
    HandOver world(which, ordinal);
    int served = 0;
    std::thread outside([&] {
        world.ready.get_future().get();
        EventLoop loop;
        const int tolerated = answered(loop, world.listener.endpoint());
        CHECK(tolerated >= clients - 1); // one allocation, at most one connection
        world.end_fault();
        served = answered(loop, world.listener.endpoint());
        world.pool.stop();
    });
    world.pool.run([&](PoolLoop& here) -> Task<void> { co_await world.serve(here); });
    outside.join();
    CHECK(served == clients);
    return world.has_struck;
}

void fail_each_of(std::size_t which) {
    static_cast<void>(hand_over(which, 0)); // what is kept for the process is there
    const std::size_t descriptors = support::open_descriptors();
    std::uint64_t ordinal = 1;
    while (ordinal < most_allocations && hand_over(which, ordinal)) ++ordinal;
    MESSAGE("allocations that failed: ", ordinal - 1);
    CHECK(ordinal > 5);
    CHECK(ordinal < most_allocations);
    CHECK(support::open_descriptors() == descriptors);
}

// Datagrams

Task<bool> is_received(EventLoop& loop) {
    auto near = UdpSocket::bind(loop, Endpoint(IpAddress::v4({127, 0, 0, 1}), 0));
    if (!near) co_return false;
    auto far = UdpSocket::connect(loop, (*near)->endpoint());
    if (!far) co_return false;
    const auto sent = co_await (*far)->send("hello", within(5s));
    if (!sent) co_return false;
    const auto datagram = co_await (*near)->receive(within(5s));
    co_return datagram && datagram->payload.text() == "hello";
}

} // namespace

TEST_CASE("each allocation of a loop that hands connections over, or is given them, may fail") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    for (std::size_t which = 0; which < loop_count; ++which) {
        CAPTURE(which);
        fail_each_of(which);
    }
}

TEST_CASE("each allocation of a UDP socket's life may fail, and nothing of it is left behind") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    std::uint64_t ordinal = 0;
    for (bool has_struck = true; has_struck && ++ordinal < most_allocations;) {
        CAPTURE(ordinal);
        EventLoop loop;
        const std::size_t descriptors = support::open_descriptors();
        {
            const support::FailingAllocation failing(ordinal);
            try {
                static_cast<void>(loop.run(is_received(loop)));
            } catch (const std::bad_alloc&) {
            }
            has_struck = failing.has_struck();
        }
        CHECK(loop.counters().open_sockets == 0);
        CHECK(support::open_descriptors() == descriptors);
        CHECK(loop.run(is_received(loop)));
    }
    MESSAGE("allocations that failed: ", ordinal - 1);
    CHECK(ordinal > 5);
    CHECK(ordinal < most_allocations);
}

TEST_CASE("a pool is stopped by who has no memory left") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    LoopPool pool(pool_of(loop_count));
    std::atomic<std::size_t> stopped = 0;
    pool.run([&](PoolLoop& here) -> Task<void> {
        if (here.index() == 0) {
            const support::FailingAllocation failing(1);
            pool.stop();
            CHECK_FALSE(failing.has_struck()); // it asked for none
        }
        const auto told = co_await here.stop_requested(within(5s));
        if (told) ++stopped;
    });
    CHECK(stopped == loop_count);
}

} // namespace tidemill
