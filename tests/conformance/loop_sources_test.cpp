// Who hears of an event: the source it is for, never another that took its slot, and nobody when
// the source is gone.
#include "conformance/support/revenant.hpp"

#include <array>
#include <doctest/doctest.h>
#include <memory>
#include <thread>

namespace {

using namespace tidemill::conformance;
using tidemill::EventLoop;
using tidemill::LoopOptions;
using tidemill::detail::Interest;

// Which of the two is dispatched first is the selector's choice; it takes the other one away.
TEST_CASE("a source that takes a slot within a batch hears nothing of its predecessor's event") {
    EventLoop loop;
    Heard one(loop);
    Heard other(loop);
    Heard* const both[] = {&one, &other};
    std::unique_ptr<Heard> heir;
    for (Heard* self : both) {
        self->source.want(Interest::read);
        self->is_sent();
        Heard* const victim = both[self == &one ? 1 : 0];
        self->source.then = [&heir, &loop, self, victim] {
            self->source.want(Interest::none);
            const std::uint32_t slot = victim->source.slot();
            victim->source.close();
            heir = std::make_unique<Heard>(loop);
            CHECK(heir->source.slot() == slot);
            heir->source.want(Interest::read);
        };
    }
    turn(loop, 1);
    REQUIRE(heir != nullptr);
    CHECK(loop.counters().events == 2);
    CHECK(one.source.readable + other.source.readable == 1);
    CHECK(heir->source.readable == 0);
    turn(loop, 10);
    CHECK(heir->source.readable == 0);
    CHECK(loop.counters().selector_rebuilds == 0);
    heir->is_sent();
    turn(loop, 1);
    CHECK(heir->source.readable == 1);
}

TEST_CASE("a source that takes the reader's own slot hears nothing of the event's other half") {
    EventLoop loop;
    Heard first(loop);
    std::unique_ptr<Heard> heir;
    first.source.want(Interest::read_write);
    first.is_sent();
    first.source.then = [&] {
        const std::uint32_t slot = first.source.slot();
        first.source.close();
        heir = std::make_unique<Heard>(loop);
        CHECK(heir->source.slot() == slot);
    };
    turn(loop, 3);
    CHECK(first.source.readable == 1);
    CHECK(first.source.writable == 0);
    REQUIRE(heir != nullptr);
    CHECK(heir->source.readable == 0);
    CHECK(heir->source.writable == 0);
}

TEST_CASE("with one event a turn, every ready source has its turn") {
    LoopOptions options;
    options.events_per_turn = 1;
    EventLoop loop(options);
    std::unique_ptr<Heard> sources[5];
    for (auto& each : sources) {
        each = std::make_unique<Heard>(loop);
        each->source.want(Interest::read);
        each->is_sent();
    }
    turn(loop, 10);
    CHECK(loop.counters().events == 10);
    for (const auto& each : sources) CHECK(each->source.readable == 2);
}

TEST_CASE("a closed socket that the system goes on reporting makes the selector start over, once") {
    EventLoop loop;
    Heard before(loop);
    before.source.want(Interest::read);
    Heard unwatched(loop);
    const Revenant revenant(loop);
    Heard after(loop); // in the slot of the one that is gone
    after.source.want(Interest::read);
    turn(loop, 10);
    CHECK(loop.counters().selector_rebuilds == (has_epoll(loop) ? 1 : 0));
    CHECK(loop.counters().events <= 2);

    for (const Heard* each : {&before, &unwatched, &after}) each->is_sent();
    turn(loop, 1);
    CHECK(before.source.readable == 1);
    CHECK(after.source.readable == 1);
    CHECK(unwatched.source.readable == 0);
    CHECK(after.source.writable == 0);
}

TEST_CASE("two such sockets are forgotten together, and a later one again") {
    EventLoop loop;
    const Revenant first(loop);
    const Revenant second(loop);
    turn(loop, 10);
    CHECK(loop.counters().selector_rebuilds == (has_epoll(loop) ? 1 : 0));
    const Revenant third(loop);
    turn(loop, 10);
    CHECK(loop.counters().selector_rebuilds == (has_epoll(loop) ? 2 : 0));
    CHECK(loop.counters().events <= 6);
}

TEST_CASE("a selector that started over is still woken by other threads") {
    EventLoop loop;
    const Revenant revenant(loop);
    turn(loop, 5);
    bool has_run = false;
    std::thread poster([&] { // late, so that the loop sleeps by then
        std::array<tidemill::detail::Event, 1> none;
        const auto timer = tidemill::or_throw(tidemill::detail::make_selector("select"));
        CHECK(timer->wait(none, std::chrono::milliseconds(5)).has_value());
        CHECK(loop.post([&] { has_run = true; }));
    });
    const tidemill::Duration start = tidemill::detail::steady_clock().now();
    while (!has_run) loop.run_once(std::chrono::seconds(5));
    CHECK(tidemill::detail::steady_clock().now() - start < std::chrono::seconds(5));
    poster.join();
}

TEST_CASE("a queued UDP error for which nobody waits does not keep the loop busy") {
    EventLoop loop;
    Heard heard(loop);
    heard.source.want(Interest::read);
    heard.source.then = [&] { heard.source.want(Interest::none); };
    heard.pair.far.close();
    send_all(heard.source.socket(), "to a dead port");
    loop.run_once(std::chrono::seconds(5));
    turn(loop, 100);
    CHECK(heard.source.readable == 1);
    CHECK(loop.counters().events <= 2);
    heard.source.want(Interest::read); // and is there for the next who waits
    turn(loop, 1);
    CHECK(heard.source.readable == 2);
}

} // namespace
