// Stop tokens.
#include <doctest/doctest.h>

#include <optional>
#include <thread>
#include <tidemill/core/cancel_on.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

Task<void> wait(Event& never, bool& was_cancelled) {
    was_cancelled = (co_await never.wait()).error() == Errc::cancelled;
}

} // namespace

TEST_CASE("a stop requested on another thread cancels the children of a scope") {
    EventLoop loop;
    Event never;
    bool was_cancelled = false;
    std::stop_source source;
    TaskScope scope(loop);
    cancel_on(scope, source.get_token());
    scope.spawn(wait(never, was_cancelled));
    std::thread thread([&] { source.request_stop(); });
    const auto join = [&]() -> Task<void> { static_cast<void>(co_await scope.join()); };
    loop.run(join());
    thread.join();
    CHECK(was_cancelled);
}

TEST_CASE("a token that was stopped before cancels in the next turn") {
    EventLoop loop;
    Event never;
    bool was_cancelled = false;
    std::stop_source source;
    source.request_stop();
    TaskScope scope(loop);
    cancel_on(scope, source.get_token());
    scope.spawn(wait(never, was_cancelled));
    CHECK_FALSE(was_cancelled);
    loop.run_once(0ms);
    loop.run_once(0ms);
    CHECK(was_cancelled);
}

TEST_CASE("a stop is harmless once the scope or the loop is gone") {
    Event never;
    bool was_cancelled = false;
    std::stop_source source;
    std::optional<EventLoop> loop(std::in_place);
    std::optional<TaskScope> scope(std::in_place, *loop);
    cancel_on(*scope, source.get_token());
    scope->spawn(wait(never, was_cancelled));
    SUBCASE("the scope, before the stop") {
        scope.reset();
        source.request_stop();
        loop->run_once(0ms);
    }
    SUBCASE("the scope, after the stop") {
        source.request_stop();
        scope.reset();
        loop->run_once(0ms);
    }
    SUBCASE("the loop, before the stop") {
        loop.reset();
        source.request_stop();
    }
    SUBCASE("the loop, after the stop") {
        source.request_stop();
        loop.reset();
    }
    SUBCASE("the loop, before the token is known") {
        loop.reset();
        cancel_on(*scope, source.get_token());
        source.request_stop();
    }
    CHECK_FALSE(was_cancelled);
}

TEST_CASE("several tokens may cancel one scope, from threads that race with its end") {
    for (int round = 0; round < 200; ++round) {
        EventLoop loop;
        Event never;
        bool was_cancelled = false;
        std::stop_source first;
        std::stop_source second;
        std::thread thread;
        {
            TaskScope scope(loop);
            cancel_on(scope, first.get_token());
            cancel_on(scope, second.get_token());
            scope.spawn(wait(never, was_cancelled));
            thread = std::thread([&] {
                first.request_stop();
                second.request_stop();
            });
            loop.run_once(0ms);
        }
        thread.join();
        CHECK(first.stop_requested());
    }
}
