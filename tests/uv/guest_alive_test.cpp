// What keeps the host going, and how a guest hears of work that begins outside of its turns.
#include "conformance/support/loopback.hpp"
#include "uv/host.hpp"
#include <thread>
#include <tidemill/uv/guest.hpp>

namespace {

using namespace tidemill;
using namespace tidemill::uv_tests;
using conformance::LoopbackPair;
using tidemill::uv::Guest;

Task<void> set_after(Duration delay, bool& done) {
    co_await sleep(delay);
    done = true;
}

TEST_CASE("an idle guest does not keep uv_run going") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    for (int times = 0; times < 3; ++times) CHECK(host.run() == 0);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("a guest with an open socket keeps uv_run going, read or not, until it is closed") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    LoopbackPair pair;
    TcpStream stream(guest.loop().core(), pair.near.release());
    for (int turns = 0; turns < 5; ++turns) CHECK(host.run(UV_RUN_NOWAIT) != 0);
    SUBCASE("closed outside of uv_run") {
        stream.abort();
        CHECK(host.run() == 0);
    }
    SUBCASE("closed by the guest") {
        Timer timer(guest.loop(), [&] { stream.abort(); });
        timer.start(2ms);
        CHECK(host.run() == 0);
    }
    SUBCASE("closed by the host") {
        HostTimer timer(host);
        timer.start(2ms, [&] { stream.abort(); });
        CHECK(host.run() == 0);
    }
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("work that begins outside of uv_run is done by the next one") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    EventLoop& loop = guest.loop();
    REQUIRE(host.run() == 0);
    bool done = false;
    SUBCASE("a post") {
        REQUIRE(loop.post([&] { done = true; }));
        host.run();
    }
    SUBCASE("a timer") {
        Timer timer(loop, [&] { done = true; });
        timer.start(3ms);
        host.run();
    }
    SUBCASE("a task") {
        TaskScope scope(loop);
        scope.spawn(set_after(3ms, done));
        host.run();
    }
    SUBCASE("an event") {
        Event event;
        TaskScope scope(loop);
        scope.spawn([](Event& awaited, bool& flag) -> Task<void> {
            co_await awaited.wait();
            flag = true;
        }(event, done));
        REQUIRE(host.run() == 0); // nobody in this loop will set it
        event.set();
        host.run();
    }
    SUBCASE("a blocking function") {
        TaskScope scope(loop);
        scope.spawn([](bool& flag) -> Task<void> {
            auto call = [] { return 7; };
            auto result = co_await run_blocking(std::move(call));
            flag = result.has_value() && *result == 7;
        }(done));
        CHECK(host.run() == 0);
    }
    CHECK(done);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("work that a host's callback begins for a guest is done while the host goes on") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    TaskScope scope(guest.loop());
    bool posted = false;
    bool slept = false;
    HostTimer begin(host);
    begin.start(1ms, [&] {
        REQUIRE(guest.loop().post([&] { posted = true; }));
        scope.spawn(set_after(1ms, slept));
    });
    CHECK(host.run() == 0);
    CHECK(posted);
    CHECK(slept);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("a timer that is cancelled outside of a turn no longer keeps uv_run going") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    Timer timer(guest.loop(), [] {});
    timer.start(std::chrono::hours(1));
    TaskScope scope(guest.loop());
    bool done = false;
    scope.spawn(set_after(std::chrono::hours(1), done));
    CHECK(host.run(UV_RUN_NOWAIT) != 0);
    HostTimer end(host);
    end.start(1ms, [&] {
        timer.cancel();
        scope.clear();
    });
    CHECK(host.run() == 0);
    CHECK_FALSE(done);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("a post of another thread wakes a host that waits for something else") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    HostTimer far(host); // keeps the host waiting
    far.start(std::chrono::hours(1), [] {});
    int received = 0;
    std::thread poster([remote = guest.loop().remote(), &received, &far] {
        for (int i = 0; i < 100; ++i)
            CHECK(remote.post([&] {
                if (++received == 100) far.stop();
            }));
    });
    CHECK(host.run() == 0);
    poster.join();
    CHECK(received == 100);
    CHECK_FALSE(ceiling.is_reached());
}

} // namespace
