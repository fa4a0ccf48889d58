// The two stops of a scope, cancel and destroy, from every place they may be called at.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

struct Trace {
    std::string& text;
    char mark;
    Trace(std::string& text_, char mark_) : text(text_), mark(mark_) {}
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    ~Trace() { text += mark; }
};

Task<void> innermost(std::string& trace, Event& event) {
    const Trace local(trace, '3');
    co_await event.wait();
    trace += '!';
}
Task<void> middle(std::string& trace, Event& event) {
    const Trace local(trace, '2');
    co_await innermost(trace, event);
}
Task<void> outermost(std::string& trace, Event& event) {
    const Trace local(trace, '1');
    co_await middle(trace, event);
}

Task<void> call_then_wait(Function& call, Event& event, std::string& trace) {
    const Trace local(trace, 'd');
    call();
    trace += 'c';
    co_await event.wait();
    trace += '!';
}

} // namespace

TEST_CASE("destroying a scope destroys frames innermost first and resumes nobody") {
    EventLoop loop;
    std::string trace;
    Event event;
    {
        TaskScope scope(loop);
        scope.spawn(outermost(trace, event));
        CHECK(trace.empty());
    }
    CHECK(trace == "321");
    event.set();
    loop.run_once(0ms);
    CHECK(trace == "321");
}

TEST_CASE("a cancelled child runs to its end and may await clean-up") {
    ManualClock clock(ManualClock::WhenIdle::move_on);
    LoopOptions options;
    options.clock = &clock;
    EventLoop loop(options);
    Event never;
    std::string trace;
    TaskScope children(loop);
    children.spawn([&]() -> Task<void> {
        const auto waited = co_await never.wait();
        CHECK(waited.error() == Errc::cancelled);
        trace += '1';
        CHECK(co_await sleep(5ms));
        trace += '2';
    });
    const auto stop = [&]() -> Task<void> {
        CHECK(co_await children.cancel_and_join());
        trace += '3';
    };
    loop.run(stop());
    CHECK(trace == "123");
}

TEST_CASE("a cancellation that finds nothing to end hits the next wait, and only that") {
    EventLoop loop;
    Event event;
    Event never;
    bool second = true;
    bool third = false;
    TaskScope scope(loop);
    scope.spawn([&]() -> Task<void> {
        CHECK(co_await event.wait());
        second = (co_await never.wait()).has_value();
        third = (co_await event.wait()).has_value();
    });
    event.set(); // the wait has ended, but its task has not run yet
    scope.cancel();
    loop.run_once(0ms);
    loop.run_once(0ms);
    CHECK_FALSE(second);
    CHECK(third);
    CHECK(scope.empty());
}

TEST_CASE("a child that cancels its own scope has its next wait cancelled") {
    EventLoop loop;
    Event never;
    bool was_cancelled = false;
    TaskScope scope(loop);
    scope.spawn([&]() -> Task<void> {
        scope.cancel();
        was_cancelled = (co_await never.wait()).error() == Errc::cancelled;
    });
    loop.run_once(0ms);
    CHECK(was_cancelled);
}

TEST_CASE("a child that clears its scope is destroyed when it suspends") {
    EventLoop loop;
    std::string trace;
    Event event;
    TaskScope scope(loop);
    Function clear([&] { scope.clear(); });
    const auto grandchild = [&]() -> Task<void> { co_await call_then_wait(clear, event, trace); };
    SUBCASE("at once") { scope.spawn(call_then_wait(clear, event, trace)); }
    SUBCASE("from a grandchild") { scope.spawn(grandchild); }
    SUBCASE("from a grandchild that was suspended before") {
        scope.spawn([&]() -> Task<void> {
            co_await sleep(0ms);
            co_await grandchild();
        });
        loop.run_once(0ms);
    }
    CHECK(trace == "cd");
    CHECK(scope.empty());
    event.set();
    loop.run_once(0ms);
    CHECK(trace == "cd");
}

TEST_CASE("a child may clear the scope while another child of it has started it") {
    EventLoop loop;
    std::string trace;
    Event event;
    TaskScope scope(loop);
    Function clear([&] { scope.clear(); });
    Function spawn([&] { scope.spawn(call_then_wait(clear, event, trace)); });
    scope.spawn(call_then_wait(spawn, event, trace));
    CHECK(trace == "cdcd");
    CHECK(scope.empty());
}

TEST_CASE("a child may destroy another that is suspended, and one that is due to run") {
    EventLoop loop;
    std::string trace;
    Event event;
    Event never;
    std::optional<TaskScope> other(std::in_place, loop);
    TaskScope scope(loop);
    SUBCASE("suspended") { other->spawn(outermost(trace, never)); }
    SUBCASE("due to run") {
        scope.spawn([&]() -> Task<void> {
            co_await event.wait();
            other.reset();
        });
        other->spawn(outermost(trace, event));
        event.set();
        loop.run_once(0ms);
    }
    other.reset();
    CHECK(trace == "321");
}

TEST_CASE("a child may destroy the object of its scope") {
    EventLoop loop;
    std::string trace;
    Event event;
    auto scope = std::make_unique<TaskScope>(loop);
    Function destroy([&] { scope.reset(); });
    scope->spawn(outermost(trace, event));
    scope->spawn(call_then_wait(destroy, event, trace));
    CHECK(trace == "321cd");
}

TEST_CASE("a frame may be the last owner of its scope") {
    EventLoop loop;
    std::string trace;
    Event event;
    auto scope = std::make_shared<TaskScope>(loop);
    TaskScope& borrowed = *scope;
    std::weak_ptr<TaskScope> watched = scope;
    borrowed.spawn(outermost(trace, event));
    borrowed.spawn([&event, kept = std::move(scope)]() -> Task<void> { co_await event.wait(); });
    SUBCASE("that ends") {
        event.set();
        loop.run_once(0ms);
    }
    SUBCASE("that is cleared") {
        borrowed.clear();
        CHECK(trace == "321");
    }
    CHECK(watched.expired());
}

TEST_CASE("what a destroyed frame owns may clear the scope once more") {
    EventLoop loop;
    Event event;
    TaskScope scope(loop);
    const auto clears_at_end = [](TaskScope& own, Event& never) -> Task<void> {
        struct Clearing {
            TaskScope& scope;
            explicit Clearing(TaskScope& scope_) : scope(scope_) {}
            ~Clearing() { scope.clear(); }
        };
        const Clearing clearing(own);
        co_await never.wait();
    };
    for (int i = 0; i < 5; ++i) scope.spawn(clears_at_end(scope, event));
    scope.clear();
    CHECK(scope.empty());
}
