// What WSAPoll cannot do, and the selector on it does all the same; and what none of the selectors
// does.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "core/selector_choice.hpp"

#include <array>
#include <doctest/doctest.h>
#include <tidemill/tidemill.hpp>

namespace tidemill {
namespace {

using namespace conformance;
using detail::Interest;

constexpr auto at_once = Duration::zero();

} // namespace

TEST_CASE("a peer's end does not end the waits of a writer that nobody else waits with") {
    const LoopbackPair pair;
    pair.fill_near();
    pair.far_ends();
    const Wsapoll selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::write, token(1))));
    const Stopwatch watch;
    CHECK(selector.events(std::chrono::milliseconds(50)).empty());
    CHECK(watch.elapsed() >= std::chrono::milliseconds(50));
    pair.far_reads_until_near_is_writable();
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].writable);
    // Asked apart or not, an end is there for whoever wants to know.
    REQUIRE_FALSE(bool(selector->modify(pair.near.get(), Interest::read_write, token(1))));
    CHECK(selector.events().at(0).readable);
}

TEST_CASE("sockets that are connecting are no reason to spin, and are told when they are done") {
    const OwnedSocket listener = bound_socket(detail::SocketKind::stream);
    REQUIRE_FALSE(bool(detail::native_sockets().listen(listener.get(), 10)));
    const Wsapoll selector;
    std::array<OwnedSocket, 5> clients;
    for (std::size_t i = 0; i < clients.size(); ++i) {
        clients[i] = OwnedSocket(detail::native_sockets()
                                     .open(IpAddress::loopback_v4(), detail::SocketKind::stream)
                                     .socket);
        static_cast<void>(
            detail::native_sockets().connect(clients[i].get(), endpoint_of(listener.get())));
        REQUIRE_FALSE(bool(selector->add(clients[i].get(), Interest::write, token(i))));
    }
    std::size_t connected = 0;
    while (connected < clients.size()) {
        const auto ready = selector.events();
        REQUIRE_FALSE(ready.empty());
        for (const detail::Event& event : ready)
            REQUIRE_FALSE(bool(selector->remove(clients[event.token.slot].get(), event.token)));
        connected += ready.size();
    }
    CHECK(selector.events(at_once).empty());
}

TEST_CASE("sockets of other libraries are not watched, and a watch says so") {
    for (const detail::SelectorMaker& maker : detail::platform_selectors()) {
        CAPTURE(maker.name);
        LoopOptions options;
        options.selector = maker.name;
        EventLoop loop(options);
        const OwnedSocket foreign = bound_socket(detail::SocketKind::datagram);
        const auto watch = [&]() -> Task<Result<Interest>> {
            co_return co_await loop.watch(foreign.get(), Interest::write);
        };
        const Result<Interest> watched = loop.run(watch());
        REQUIRE_FALSE(watched);
        CHECK(watched.error() == std::errc::not_supported);
    }
}

} // namespace tidemill
