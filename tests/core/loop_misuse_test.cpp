// Broken rules of the loop and of tasks stop the program and name the rule.
#include <doctest/doctest.h>

#include "support/death.hpp"
#include <optional>
#include <thread>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

Task<void> nothing() { co_return; }

constexpr const char* nested = "not run from inside itself";
constexpr const char* destroyed = "not destroyed while it runs";
constexpr const char* thread = "stay on the thread that made the loop";

} // namespace

TEST_CASE("running a loop from inside itself is misuse") {
    EventLoop loop;
    REQUIRE(loop.post([&] {
        DIES_WITH(nested, [&] { loop.run_once(0ms); });
        DIES_WITH(nested, [&] { loop.run(); });
        DIES_WITH(nested, [&] { loop.run(nothing()); });
    }));
    loop.run_once(0ms);
}

TEST_CASE("destroying a loop while it runs is misuse") {
    std::optional<EventLoop> loop(std::in_place);
    REQUIRE(loop->post([&] { DIES_WITH(destroyed, [&] { loop.reset(); }); }));
    loop->run_once(0ms);
    TaskScope scope(*loop);
    scope.spawn([&]() -> Task<void> {
        DIES_WITH(destroyed, [&] { loop.reset(); });
        co_return;
    });
    loop->run([](std::optional<EventLoop>& own) -> Task<void> {
        DIES_WITH(destroyed, [&] { own.reset(); });
        co_return;
    }(loop));
}

TEST_CASE("using a loop from another thread is misuse") {
    EventLoop loop;
    TaskScope scope(loop);
    Timer timer(loop, [] {});
    const auto elsewhere = [](auto call) { return [call] { std::thread(call).join(); }; };
    DIES_WITH(thread, elsewhere([&] { loop.run_once(0ms); }));
    DIES_WITH(thread, elsewhere([&] { loop.run(); }));
    DIES_WITH(thread, elsewhere([&] { loop.run(nothing()); }));
    DIES_WITH(thread, elsewhere([&] { scope.spawn(nothing()); }));
    DIES_WITH(thread, elsewhere([&] { timer.start(1s); }));
}

TEST_CASE("awaiting or spawning a task twice is misuse") {
    EventLoop loop;
    TaskScope scope(loop);
    Task<void> task = nothing();
    scope.spawn(std::move(task));
    DIES_WITH("a Task is awaited or spawned once", [&] { scope.spawn(std::move(task)); });
}

TEST_CASE("joining a scope from two tasks at a time is misuse") {
    EventLoop loop;
    Event never;
    TaskScope joined(loop);
    TaskScope scope(loop);
    joined.spawn([&]() -> Task<void> { co_await never.wait(); });
    const auto join = [&]() -> Task<void> { static_cast<void>(co_await joined.join()); };
    scope.spawn(join);
    DIES_WITH("joined by one task at a time", [&] { scope.spawn(join); });
}

TEST_CASE("a channel without room for one item is misuse, and so is when_any of nothing") {
    DIES_WITH("room for at least one item", [] { Channel<int> channel(0); });
    EventLoop loop;
    DIES_WITH("at least one task", [&] { loop.run(when_any(std::vector<Task<void>>())); });
}
