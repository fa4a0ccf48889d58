// What a selector reports about sockets that live: bytes to read, room to write.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"

namespace {

using namespace tidemill::conformance;
using tidemill::Duration;
using tidemill::detail::Event;
using tidemill::detail::Interest;

constexpr auto at_once = Duration::zero();

TEST_CASE_TEMPLATE("a quiet socket is not reported", S, TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    CHECK(selector.events(at_once).empty());
    CHECK(selector.events(std::chrono::milliseconds(1)).empty());
}

TEST_CASE_TEMPLATE("unread bytes are reported again on the next wait", S, TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(7, 3))));
    pair.far_sends("xy");
    for (const int turn : {1, 2, 3}) {
        CAPTURE(turn);
        const auto ready = selector.events();
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].token == token(7, 3));
        CHECK(ready[0].readable);
        CHECK_FALSE(ready[0].writable);
    }
    drain(pair.near.get());
    CHECK(selector.events(at_once).empty());
}

struct Case {
    const char* name;
    Interest interest;
    bool has_input;
    bool has_room;
    bool readable;
    bool writable;
};

constexpr Case cases[] = {
    {"read, input", Interest::read, true, true, true, false},
    {"read, room", Interest::read, false, true, false, false},
    {"write, room", Interest::write, false, true, false, true},
    {"write, input and room", Interest::write, true, true, false, true},
    {"write, input", Interest::write, true, false, false, false},
    {"both, room", Interest::read_write, false, true, false, true},
    {"both, input", Interest::read_write, true, false, true, false},
    {"both, input and room", Interest::read_write, true, true, true, true},
    {"both, neither", Interest::read_write, false, false, false, false},
};

TEST_CASE_TEMPLATE("an event tells what was asked for and is there, and no more", S,
                   TIDEMILL_EVERY_SELECTOR) {
    for (const Case& each : cases) {
        CAPTURE(each.name);
        const LoopbackPair pair;
        if (!each.has_room) pair.fill_near();
        if (each.has_input) pair.far_sends("x");
        const S selector;
        REQUIRE_FALSE(bool(selector->add(pair.near.get(), each.interest, token(1))));
        const auto ready = selector.events(at_once);
        REQUIRE(ready.size() == (each.readable || each.writable ? 1 : 0));
        if (ready.empty()) continue;
        CHECK(ready[0].readable == each.readable);
        CHECK(ready[0].writable == each.writable);
    }
}

TEST_CASE_TEMPLATE("room that comes back ends a wait for it", S, TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair pair;
    pair.fill_near();
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::write, token(1))));
    REQUIRE(selector.events(at_once).empty());
    pair.far_reads_until_near_is_writable();
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].writable);
}

TEST_CASE_TEMPLATE("each ready socket is reported once in a wait, under its own token", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const UdpPair pairs[3];
    const S selector;
    for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE_FALSE(bool(selector->add(pairs[i].near.get(), Interest::read, token(i, 10))));
        pairs[i].far_sends("x");
    }
    const auto ready = selector.events();
    REQUIRE(ready.size() == 3);
    unsigned seen = 0;
    for (const Event& event : ready) {
        CHECK(event.token.generation == 10);
        REQUIRE(event.token.slot < 3);
        seen |= 1u << event.token.slot;
    }
    CHECK(seen == 7);
}

TEST_CASE_TEMPLATE("a listener is readable while a connection waits to be accepted", S,
                   TIDEMILL_EVERY_SELECTOR) {
    auto& sockets = tidemill::detail::native_sockets();
    const OwnedSocket listener = bound_socket(tidemill::detail::SocketKind::stream);
    REQUIRE_FALSE(bool(sockets.listen(listener.get(), 4)));
    const S selector;
    REQUIRE_FALSE(bool(selector->add(listener.get(), Interest::read, token(1))));
    REQUIRE(selector.events(at_once).empty());

    const auto opened =
        sockets.open(tidemill::IpAddress::loopback_v4(), tidemill::detail::SocketKind::stream);
    const OwnedSocket client(opened.socket);
    static_cast<void>(sockets.connect(client.get(), endpoint_of(listener.get())));
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    const OwnedSocket accepted(sockets.accept(listener.get(), nullptr).socket);
    CHECK(selector.events(at_once).empty());
}

TEST_CASE_TEMPLATE("a datagram makes its socket readable, an empty one too", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const UdpPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    REQUIRE(selector.events(at_once).empty());
    for (const char* text : {"x", ""}) {
        CAPTURE(text);
        pair.far_sends(text);
        REQUIRE(selector.events().size() == 1);
        CHECK_FALSE(bool(receive_some(pair.near.get()).error));
        CHECK(selector.events(at_once).empty());
    }
}

} // namespace
