// How a guest ends, before its host or after it, and what is misuse.
#include "uv/host.hpp"

#include "support/death.hpp"
#include "uv/reading.hpp"
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>
#include <tidemill/uv/guest.hpp>

namespace {

using namespace tidemill;
using namespace tidemill::uv_tests;
using conformance::send_all;
using tidemill::uv::Guest;

Task<void> nothing() { co_return; }

TEST_CASE("running or stopping a guest's loop is misuse") {
    Host host;
    Guest guest(host.loop());
    constexpr const char* run = "run by its host alone";
    constexpr const char* stop = "stopped by its host alone";
    DIES_WITH(run, [&] { guest.loop().run(); });
    DIES_WITH(run, [&] { guest.loop().run_once(0ms); });
    DIES_WITH(run, [&] { guest.loop().run(nothing()); });
    DIES_WITH(stop, [&] { guest.loop().stop(); });
    DIES_WITH(stop, [&] { guest.loop().remote().stop(); });
    CHECK(host.run() == 0);
}

TEST_CASE("destroying a guest inside of its own turn is misuse") {
    Host host;
    std::optional<Guest> guest(std::in_place, host.loop());
    REQUIRE(guest->loop().post(
        [&] { DIES_WITH("not destroyed while it runs", [&] { guest.reset(); }); }));
    CHECK(host.run() == 0);
}

TEST_CASE("running the host on a thread that did not make the guest is misuse") {
    Host host;
    Guest guest(host.loop());
    DIES_WITH("stay on the thread", [&] { std::thread([&] { host.run(); }).join(); });
    CHECK(host.run() == 0);
}

TEST_CASE("a guest may go first: the host goes on, and nothing of the guest is left in it") {
    Host host;
    const Ceiling ceiling(host);
    std::optional<Guest> guest(std::in_place, host.loop());
    Reading reading(guest->loop());
    HostTimer timer(host);
    int ticks = 0;
    timer.start(
        1ms,
        [&] {
            if (++ticks == 3) guest.reset();
            if (ticks == 6) timer.stop();
        },
        true);
    CHECK(host.run() == 0);
    CHECK(ticks == 6);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("the host may stop first: the guest is destroyed later, and the host closes") {
    Host host;
    std::optional<Guest> guest(std::in_place, host.loop());
    Reading reading(guest->loop());
    HostTimer timer(host);
    timer.start(1ms, [&] { host.stop(); });
    CHECK(host.run() != 0); // there is still somebody to wait for
    guest.reset();
    CHECK(::uv_loop_close(&host.loop()) == UV_EBUSY);
    CHECK(host.run() == 0);
}

TEST_CASE("a host that has stopped may go on, and the guest with it") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    Reading reading(guest.loop());
    host.run(UV_RUN_NOWAIT);
    host.stop();
    host.run();
    send_all(reading.pair.far.get(), "xyz");
    CHECK(host.run(UV_RUN_ONCE) != 0);
    CHECK(reading.bytes == 3);
    reading.stream.abort();
    CHECK(host.run() == 0);
    CHECK_FALSE(ceiling.is_reached());
}

TEST_CASE("closing a guest's handles behind its back is misuse") {
    Host host;
    std::optional<Guest> guest(std::in_place, host.loop());
    DIES_WITH("before its host closes its handles", [&] {
        ::uv_walk(
            &host.loop(), [](uv_handle_t* handle, void*) { ::uv_close(handle, nullptr); }, nullptr);
        host.run();
        guest.reset();
    });
    CHECK(host.run() == 0);
}

TEST_CASE("an exception stops the host, is kept for it, and both can go on") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    HostTimer far(host);
    far.start(std::chrono::hours(1), [] {});
    bool later = false;
    REQUIRE(guest.loop().post([] { throw std::runtime_error("first"); }));
    REQUIRE(guest.loop().post([] { throw std::runtime_error("second"); }));
    REQUIRE(guest.loop().post([&] { later = true; }));
    CHECK(host.run() != 0);
    CHECK(host.run() != 0);
    CHECK_THROWS_WITH(guest.rethrow_exception(), "first");
    CHECK(guest.loop().counters().failed_tasks == 1); // the second one
    guest.rethrow_exception();
    far.stop();
    CHECK(host.run() == 0);
    CHECK(later);
    CHECK_FALSE(ceiling.is_reached());
}

Task<void> serve_one(TcpListener& listener) {
    auto stream = co_await listener.accept(within(5s));
    REQUIRE(stream);
    const auto sent = co_await stream->write("all of it");
    CHECK(sent);
}

Task<void> read_all(EventLoop& loop, Endpoint server, std::string& got) {
    auto stream = co_await TcpStream::connect(loop, server, within(5s));
    REQUIRE(stream);
    for (;;) {
        const auto chunk = co_await stream->read(within(5s));
        if (!chunk) got += "<" + chunk.error().message() + ">";
        if (!chunk || chunk->empty()) co_return;
        got += chunk->text();
    }
}

/// What a client of a guest gets while the host runs in a destructor, on the way of an exception.
std::string talk_while_unwinding(Host& host, EventLoop& loop) {
    std::string got;
    const auto talk = [&] {
        const auto listener = or_throw(TcpListener::listen(loop, *Endpoint::parse("127.0.0.1:0")));
        TaskScope scope(loop);
        scope.spawn(serve_one(*listener));
        scope.spawn(read_all(loop, listener->endpoint(), got));
        while (!scope.empty() && host.run(UV_RUN_ONCE) != 0) {
        }
    };
    struct Guard {
        const std::function<void()> work;
        ~Guard() { work(); }
    };
    const auto unwind = [&] {
        const Guard guard{talk};
        throw std::runtime_error("what unwinds");
    };
    CHECK_THROWS_WITH(unwind(), "what unwinds");
    return got;
}

TEST_CASE("a guest's stream that is accepted while an exception unwinds around it ends in order") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    CHECK(talk_while_unwinding(host, guest.loop()) == "all of it");
    CHECK_FALSE(ceiling.is_reached());
}

} // namespace
