// One address for all loops of a pool, by the kernel's choice and by hand.
#include <doctest/doctest.h>

#include "core/sockets.hpp"
#include "support/echo_service.hpp"
#include <array>
#include <atomic>
#include <future>
#include <string>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t loop_count = 3;

struct Outcome {
    int answered = 0;
    std::array<std::uint64_t, loop_count> accepted{};
    [[nodiscard]] std::uint64_t in_all() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t each : accepted) sum += each;
        return sum;
    }
};

/// Clients of the pool's first loop talk to servers on all of them.
Outcome serve(Spread spread, int connections, const ServerOptions& options = {}) {
    LoopPool pool(pool_of(loop_count));
    PoolListener listener = or_throw(PoolListener::listen(pool, "127.0.0.1:0", {}, spread));
    REQUIRE(listener.endpoint().port() != 0);
    std::atomic<std::size_t> serving = 0;
    Outcome outcome;
    pool.run([&](PoolLoop& here) -> Task<void> {
        Server server = or_throw(listener.server_on(here, options));
        server.serve(echo);
        ++serving;
        if (here.index() == 0) {
            while (serving < loop_count) static_cast<void>(co_await sleep(1ms));
            for (int i = 0; i < connections; ++i) {
                const bool is_good = co_await is_answered(here.loop(), listener.endpoint());
                if (is_good) ++outcome.answered;
            }
            pool.stop();
        }
        static_cast<void>(co_await here.stop_requested(within(20s)));
        static_cast<void>(co_await server.drain(5s));
        outcome.accepted[here.index()] = server.counters().accepted;
    });
    return outcome;
}

} // namespace

TEST_CASE("connections that are handed over come to the loops in turn") {
    const Outcome outcome = serve(Spread::by_hand_over, 30);
    CHECK(outcome.answered == 30);
    CHECK(outcome.accepted == std::array<std::uint64_t, loop_count>{10, 10, 10});
}

TEST_CASE("connections that are handed over know their peer if a limit asks for it") {
    ServerOptions options;
    options.max_connections_per_address = 2;
    const Outcome outcome = serve(Spread::by_hand_over, 9, options);
    CHECK(outcome.answered == 9);
    CHECK(outcome.in_all() == 9);
}

TEST_CASE("the kernel spreads connections over the loops, or says that it cannot") {
    const LoopPool pool(pool_of(loop_count));
    const auto listener = PoolListener::listen(pool, "127.0.0.1:0", {}, Spread::by_kernel);
    if (!listener) {
        CHECK(!detail::shared_ports_are_balanced());
        return;
    }
    const Outcome outcome = serve(Spread::by_kernel, 200);
    CHECK(outcome.answered == 200);
    CHECK(outcome.in_all() == 200);
    if (!detail::shared_ports_are_balanced()) return;
    // The kernel hashes the ports: that one of three gets none of 200 happens once in 1e34.
    for (const std::uint64_t accepted : outcome.accepted) CHECK(accepted > 0);
}

TEST_CASE("the spread that is chosen is the one that the system balances") {
    const LoopPool pool(pool_of(loop_count));
    const PoolListener listener = or_throw(PoolListener::listen(pool, "127.0.0.1:0"));
    CHECK(listener.spread() ==
          (detail::shared_ports_are_balanced() ? Spread::by_kernel : Spread::by_hand_over));
}

TEST_CASE("a loop without a server is passed over, and a loop that has gone as well") {
    for (const bool is_gone : {false, true}) {
        CAPTURE(is_gone);
        LoopPool pool(pool_of(loop_count));
        PoolListener listener =
            or_throw(PoolListener::listen(pool, "127.0.0.1:0", {}, Spread::by_hand_over));
        std::atomic<bool> has_left = false;
        int answered = 0;
        pool.run([&](PoolLoop& here) -> Task<void> {
            if (here.index() == 1 && is_gone) {
                Server server = or_throw(listener.server_on(here));
                server.serve(echo);
                has_left = true; // with its loop
                co_return;
            }
            if (here.index() != 0) {
                static_cast<void>(co_await here.stop_requested(within(20s)));
                co_return;
            }
            while (is_gone && !has_left) static_cast<void>(co_await sleep(1ms));
            Server server = or_throw(listener.server_on(here));
            server.serve(echo);
            for (int i = 0; i < 10; ++i) {
                const bool is_good = co_await is_answered(here.loop(), listener.endpoint());
                if (is_good) ++answered;
            }
            pool.stop();
        });
        CHECK(answered >= 9); // one may be on its way to the loop that goes
    }
}

TEST_CASE("a loop whose box is full is passed over") {
    LoopPoolOptions options = pool_of(2);
    options.loop.posted_closures = 1;
    LoopPool pool(options);
    PoolListener listener =
        or_throw(PoolListener::listen(pool, "127.0.0.1:0", {}, Spread::by_hand_over));
    std::atomic<bool> is_serving = false;
    std::promise<void> done;
    int answered = 0;
    pool.run([&](PoolLoop& here) -> Task<void> {
        Server server = or_throw(listener.server_on(here));
        server.serve(echo);
        if (here.index() == 1) {
            is_serving = true;
            CHECK(done.get_future().wait_for(20s) == std::future_status::ready); // deaf until then
            co_return;
        }
        while (!is_serving) static_cast<void>(co_await sleep(1ms));
        while (pool.post(1, [] {})) {
        }
        for (int i = 0; i < 4; ++i) {
            const bool is_good = co_await is_answered(here.loop(), listener.endpoint());
            if (is_good) ++answered;
        }
        done.set_value();
    });
    CHECK(answered == 4);
}

TEST_CASE("a port that is taken is an error that names it, for a pool too") {
    const LoopPool pool(pool_of(loop_count));
    for (const Spread spread : {Spread::by_hand_over, Spread::automatic}) {
        const PoolListener first = or_throw(PoolListener::listen(pool, "127.0.0.1:0", {}, spread));
        const auto second = PoolListener::listen(pool, first.endpoint(), {}, spread);
        REQUIRE(!second);
        CHECK(second.error() == std::errc::address_in_use);
        CHECK(second.error().message().find(first.endpoint().to_string()) != std::string::npos);
    }
}
