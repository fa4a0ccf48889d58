// What is particular to the iocp selector: requests that outlive their sockets, several devices,
// what the driver tells about ends, and what happens without the driver.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "core/loop_core.hpp"
#include "core/selector_choice.hpp"
#include "win32/iocp_selector.hpp"
#include "win32/wsapoll_selector.hpp"

#include <doctest/doctest.h>
#include <tidemill/core/task_scope.hpp>
#include <tidemill/net/udp_socket.hpp>

namespace tidemill {
namespace {

using namespace conformance;
using detail::Ending;
using detail::Interest;
using detail::PackedError;
using detail::SelectorMaker;

constexpr auto at_once = Duration::zero();

Result<std::unique_ptr<detail::Selector>> iocp_without_driver() {
    return detail::make_iocp_selector(L"\\Device\\NoSuchDriver");
}

constexpr SelectorMaker makers[] = {{"iocp", iocp_without_driver},
                                    {"wsapoll", detail::make_wsapoll_selector}};

} // namespace

TEST_CASE("without the socket driver's device there is no iocp selector") {
    const auto selector = iocp_without_driver();
    REQUIRE_FALSE(selector);
    CHECK(selector.error() == Errc::not_supported);
}

TEST_CASE("a loop that falls back says so by its selector's name and a counter") {
    detail::Seams seams;
    seams.selector = or_throw(detail::best_that_works(makers));
    EventLoop loop(std::make_unique<detail::LoopCore>(LoopOptions{}, std::move(seams)));
    CHECK(std::string_view(loop.selector_name()) == "wsapoll");
    CHECK(loop.counters().selector_fallbacks == 1);
    bool has_run = false;
    REQUIRE(loop.post([&] { has_run = true; }));
    loop.run_once(at_once);
    CHECK(has_run);
}

TEST_CASE("a loop that has its first choice counts no fallback") {
    LoopOptions options;
    options.selector = "iocp";
    CHECK(EventLoop(options).counters().selector_fallbacks == 0);
}

TEST_CASE("sockets beyond those of one device are watched by further ones") {
    constexpr std::size_t count = 100; // a device takes 32
    const Iocp selector;
    std::vector<UdpPair> pairs(count);
    for (std::size_t i = 0; i < count; ++i)
        REQUIRE_FALSE(bool(selector->add(pairs[i].near.get(), Interest::read, token(i))));
    REQUIRE(selector.events(at_once).empty());
    for (const UdpPair& pair : pairs) pair.far_sends("x");
    CHECK(selector.events(ceiling, count).size() == count);
    for (std::size_t i = 0; i < count; ++i)
        REQUIRE_FALSE(bool(selector->remove(pairs[i].near.get(), token(i))));
    CHECK(selector.events(at_once, count).empty());
}

TEST_CASE("sockets that close under their requests leave nothing behind, however many") {
    const Iocp selector;
    for (int round = 0; round < 20; ++round) {
        std::vector<UdpPair> pairs(10);
        for (std::size_t i = 0; i < pairs.size(); ++i)
            REQUIRE_FALSE(bool(selector->add(pairs[i].near.get(), Interest::read, token(i))));
        REQUIRE(selector.events(at_once).empty()); // the kernel has the requests now
        for (std::size_t i = 0; i < pairs.size(); ++i)
            selector->closing(pairs[i].near.get(), token(i), true);
    }
    CHECK(selector.events(std::chrono::milliseconds(1)).empty());
}

TEST_CASE("a selector is destroyed while the kernel has requests of it") {
    std::vector<UdpPair> pairs(5);
    for (int round = 0; round < 10; ++round) {
        drain(pairs[0].near.get());
        const Iocp selector;
        for (std::size_t i = 0; i < pairs.size(); ++i)
            REQUIRE_FALSE(bool(selector->add(pairs[i].near.get(), Interest::read, token(i))));
        REQUIRE(selector.events(at_once).empty());
        if (round % 2 == 0) pairs[0].far_sends("x");
        if (round % 3 == 0) REQUIRE_FALSE(bool(selector->remove(pairs[1].near.get(), token(1))));
    }
    pairs[0].far_sends("x");
    const Iocp selector; // and the sockets are as usable as before
    REQUIRE_FALSE(bool(selector->add(pairs[0].near.get(), Interest::read, token(1))));
    CHECK(selector.events().size() == 1);
}

TEST_CASE("a socket that is removed and added again before its packet has come is watched") {
    const UdpPair pair;
    const Iocp selector;
    for (unsigned round = 1; round <= 50; ++round) {
        REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1, round))));
        REQUIRE(selector.events(at_once).empty());
        REQUIRE_FALSE(bool(selector->remove(pair.near.get(), token(1, round))));
    }
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(2))));
    pair.far_sends("x");
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].token == token(2));
}

TEST_CASE("an end is told as an end, and a reset as a reset") {
    const Iocp selector;
    LoopbackPair ended;
    LoopbackPair reset;
    REQUIRE_FALSE(bool(selector->add(ended.near.get(), Interest::read, token(1))));
    REQUIRE_FALSE(bool(selector->add(reset.near.get(), Interest::read, token(2))));
    ended.far_ends();
    reset.far_resets();
    for (const int turn : {1, 2}) {
        CAPTURE(turn);
        for (const detail::Event& event : selector.events())
            CHECK(event.ending == (event.token == token(1) ? Ending::in_order : Ending::reset));
    }
}

TEST_CASE("a refused connect is told as such, before the socket's own error is asked for") {
    const OwnedSocket deaf = bound_socket(detail::SocketKind::stream);
    const OwnedSocket client(
        detail::native_sockets().open(IpAddress::loopback_v4(), detail::SocketKind::stream).socket);
    const Iocp selector;
    REQUIRE(detail::native_sockets().connect(client.get(), endpoint_of(deaf.get())) ==
            PackedError(std::errc::operation_in_progress));
    REQUIRE_FALSE(bool(selector->add(client.get(), Interest::write, token(1))));
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].ending == Ending::failed);
}

TEST_CASE("a datagram refused while a receive waits is that receive's error") {
    LoopOptions options;
    options.selector = "iocp";
    EventLoop loop(options);
    const Endpoint any_port = or_throw(Endpoint::parse("127.0.0.1:0"));
    const Endpoint nobody = or_throw(UdpSocket::bind(loop, any_port))->endpoint();
    const auto socket = or_throw(UdpSocket::connect(loop, nobody));
    std::optional<Result<Datagram>> result;
    TaskScope scope(loop);
    const auto receive = [&]() -> Task<void> {
        result = co_await socket->receive(within(ceiling));
    };
    scope.spawn(receive);
    loop.run_once(at_once); // the driver is asked now
    const auto send = [&]() -> Task<void> { or_throw(co_await socket->send("anybody?")); };
    loop.run(send());
    while (!result) loop.run_once(ceiling);
    REQUIRE_FALSE(*result);
    CHECK(result->error() == std::errc::connection_refused);
}

} // namespace tidemill
