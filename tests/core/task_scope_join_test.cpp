// Joining a scope, and the exceptions that come through it; what is left when the loop goes.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

Task<void> wait_for(Event& event) { co_await event.wait(); }

struct Trace {
    std::string& text;
    explicit Trace(std::string& text_) : text(text_) {}
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    ~Trace() { text += 'd'; }
};

Task<void> traced_wait(std::string& trace, Event& event) {
    const Trace local(trace);
    co_await event.wait();
    trace += '!';
}

} // namespace

TEST_CASE("join waits for the last child") {
    EventLoop loop;
    Event first;
    Event second;
    bool has_joined = false;
    TaskScope children(loop);
    TaskScope scope(loop);
    children.spawn(wait_for(first));
    children.spawn(wait_for(second));
    scope.spawn([&]() -> Task<void> { has_joined = (co_await children.join()).has_value(); });
    first.set();
    loop.run_once(0ms);
    CHECK_FALSE(has_joined);
    second.set();
    loop.run_once(0ms);
    loop.run_once(0ms);
    CHECK(has_joined);
}

TEST_CASE("the first exception of a child reaches join, once; further ones are counted") {
    EventLoop loop;
    TaskScope scope(loop);
    for (const char* text : {"first", "second"}) {
        scope.spawn([text]() -> Task<void> {
            throw std::runtime_error(text);
            co_return;
        });
    }
    const auto join = [&]() -> Task<void> { static_cast<void>(co_await scope.join()); };
    CHECK_THROWS_WITH(loop.run(join()), "first");
    CHECK_NOTHROW(loop.run(join()));
    CHECK(loop.counters().failed_tasks == 1);
}

TEST_CASE("an exception that nobody joins is counted when the scope goes") {
    EventLoop loop;
    {
        TaskScope scope(loop);
        scope.spawn([]() -> Task<void> {
            throw std::runtime_error("alone");
            co_return;
        });
        CHECK(loop.counters().failed_tasks == 0);
    }
    CHECK(loop.counters().failed_tasks == 1);
}

TEST_CASE("an exception of a doomed child is counted") {
    EventLoop loop;
    TaskScope scope(loop);
    scope.spawn([&]() -> Task<void> {
        scope.clear();
        throw std::runtime_error("doomed");
        co_return;
    });
    CHECK(loop.counters().failed_tasks == 1);
}

TEST_CASE("a join whose scope is destroyed ends as cancelled") {
    EventLoop loop;
    Event event;
    std::optional<TaskScope> children(std::in_place, loop);
    TaskScope scope(loop);
    Result<void> joined;
    children->spawn(wait_for(event));
    scope.spawn([&]() -> Task<void> { joined = co_await children->join(); });
    SUBCASE("while children run") { children.reset(); }
    SUBCASE("when the join has ended, but its task has not run yet") {
        children->clear();
        children.reset();
    }
    SUBCASE("and its task is destroyed after it") {
        children.reset();
        scope.clear();
        joined = failure(Errc::cancelled);
    }
    loop.run_once(0ms);
    REQUIRE_FALSE(joined.has_value());
    CHECK(joined.error() == Errc::cancelled);
}

TEST_CASE("a join that is cancelled leaves the children alone") {
    EventLoop loop;
    Event event;
    TaskScope children(loop);
    TaskScope scope(loop);
    Result<void> joined;
    children.spawn(wait_for(event));
    scope.spawn([&]() -> Task<void> { joined = co_await children.join(); });
    scope.cancel();
    loop.run_once(0ms);
    CHECK(joined.error() == Errc::cancelled);
    CHECK(children.size() == 1);
}

TEST_CASE("whatever outlives its loop is destroyed without harm, and nobody is resumed") {
    std::string trace;
    Event event;
    Semaphore permits(0);
    Channel<int> channel(1);
    std::optional<EventLoop> loop(std::in_place);
    Timer timer(*loop, [&] { trace += 't'; });
    timer.start(1s);
    TaskScope joiner(*loop);
    auto scope = std::make_unique<TaskScope>(*loop);
    scope->spawn(traced_wait(trace, event));
    scope->spawn([&]() -> Task<void> { co_await sleep(1s); });
    scope->spawn([&]() -> Task<void> { static_cast<void>(co_await permits.acquire(within(1s))); });
    scope->spawn([&]() -> Task<void> { static_cast<void>(co_await channel.receive(within(1s))); });
    scope->spawn([&]() -> Task<void> { co_await when_all(wait_for(event), wait_for(event)); });
    joiner.spawn([&]() -> Task<void> { static_cast<void>(co_await scope->join()); });
    Event is_ready(true);
    scope->spawn([&]() -> Task<void> {
        for (;;) co_await is_ready.wait(); // ends up on the ready list
    });
    loop.reset();
    timer.start(1s);
    timer.cancel();
    permits.release(5);
    CHECK(channel.try_send(1));
    scope->spawn(traced_wait(trace, event));
    event.set();
    scope->cancel();
    scope.reset();
    CHECK(trace == "d");
}
