// What a selector reports when a connection ends: always something, in the directions asked for, so
// that the next call on the socket finds the true error.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"

namespace {

using namespace tidemill::conformance;
using tidemill::Duration;
using tidemill::detail::Ending;
using tidemill::detail::Interest;
using tidemill::detail::native_sockets;
using tidemill::detail::PackedError;
using tidemill::detail::SocketKind;

constexpr auto at_once = Duration::zero();
constexpr PackedError reset = std::errc::connection_reset;

TEST_CASE_TEMPLATE("the peer's end is readable and reads as zero bytes", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    pair.far_ends();
    for (const int turn : {1, 2}) {
        CAPTURE(turn);
        const auto ready = selector.events();
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].readable);
        const auto end = receive_some(pair.near.get());
        CHECK_FALSE(bool(end.error));
        CHECK(end.bytes == 0);
    }
}

TEST_CASE_TEMPLATE("a peer's end leaves the other direction as it was", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair pair;
    pair.fill_near();
    pair.far_ends();
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::write, token(1))));
    CHECK(selector.events(at_once).empty());
    pair.far_reads_until_near_is_writable();
    REQUIRE(selector.events().size() == 1);
}

TEST_CASE_TEMPLATE("a reset is readable and writable, and takes no error away", S,
                   TIDEMILL_EVERY_SELECTOR) {
    LoopbackPair pair;
    pair.fill_near();
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read_write, token(1))));
    REQUIRE(selector.events(at_once).empty());
    pair.far_resets();
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    CHECK(ready[0].writable);
    CHECK((ready[0].ending == Ending::reset || receive_some(pair.near.get()).error == reset));
}

TEST_CASE_TEMPLATE("bytes before a reset are still there", S, TIDEMILL_EVERY_SELECTOR) {
    LoopbackPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read_write, token(1))));
    pair.far_sends("last words");
    pair.far_resets();
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    CHECK(ready[0].writable);
    CHECK(receive_some(pair.near.get()).bytes == 10);
}

TEST_CASE_TEMPLATE("a reset ends a wait for either direction alone", S, TIDEMILL_EVERY_SELECTOR) {
    for (const Interest interest : {Interest::read, Interest::write}) {
        CAPTURE(int(interest));
        LoopbackPair pair;
        pair.fill_near();
        const S selector;
        REQUIRE_FALSE(bool(selector->add(pair.near.get(), interest, token(1))));
        REQUIRE(selector.events(at_once).empty());
        pair.far_resets();
        const auto ready = selector.events();
        REQUIRE(ready.size() == 1);
        CHECK((interest == Interest::read ? ready[0].readable : ready[0].writable));
    }
}

TEST_CASE_TEMPLATE("select reports a reset only in the direction asked for, the others in both", S,
                   TIDEMILL_EVERY_SELECTOR) {
    LoopbackPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    pair.far_resets();
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    CHECK(ready[0].writable == S::tells_hang_up_apart);
}

TEST_CASE_TEMPLATE("when both sides have ended, either interest is told until it is removed", S,
                   TIDEMILL_EVERY_SELECTOR) {
    for (const Interest interest : {Interest::read, Interest::write}) {
        CAPTURE(int(interest));
        const LoopbackPair pair;
        const S selector;
        REQUIRE_FALSE(bool(native_sockets().shutdown_write(pair.near.get())));
        pair.far_ends();
        REQUIRE_FALSE(bool(selector->add(pair.near.get(), interest, token(1))));
        CHECK(selector.events().size() == 1);
        CHECK(selector.events().size() == 1);
        REQUIRE_FALSE(bool(selector->remove(pair.near.get(), token(1))));
        CHECK(selector.events(at_once).empty());
    }
}

TEST_CASE_TEMPLATE("a refused connect becomes writable", S, TIDEMILL_EVERY_SELECTOR) {
    const OwnedSocket deaf = bound_socket(SocketKind::stream);
    const auto opened =
        native_sockets().open(tidemill::IpAddress::loopback_v4(), SocketKind::stream);
    const OwnedSocket client(opened.socket);
    const S selector;
    REQUIRE(native_sockets().connect(client.get(), endpoint_of(deaf.get())) ==
            PackedError(std::errc::operation_in_progress));
    REQUIRE_FALSE(bool(selector->add(client.get(), Interest::write, token(1))));
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].writable);
    CHECK(native_sockets().connect_result(client.get()) ==
          PackedError(std::errc::connection_refused));
}

TEST_CASE_TEMPLATE("a connect that succeeds becomes writable", S, TIDEMILL_EVERY_SELECTOR) {
    const OwnedSocket listener = bound_socket(SocketKind::stream);
    REQUIRE_FALSE(bool(native_sockets().listen(listener.get(), 1)));
    const auto opened =
        native_sockets().open(tidemill::IpAddress::loopback_v4(), SocketKind::stream);
    const OwnedSocket client(opened.socket);
    const S selector;
    static_cast<void>(native_sockets().connect(client.get(), endpoint_of(listener.get())));
    REQUIRE_FALSE(bool(selector->add(client.get(), Interest::write, token(1))));
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].writable);
    CHECK_FALSE(bool(native_sockets().connect_result(client.get())));
}

TEST_CASE_TEMPLATE("an error queued at a UDP socket is told until it is taken, or removed", S,
                   TIDEMILL_EVERY_SELECTOR) {
    UdpPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    pair.far.close();
    send_all(pair.near.get(), "to a dead port");
    for (const int turn : {1, 2}) {
        CAPTURE(turn);
        const auto ready = selector.events();
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].readable);
    }
    SUBCASE("taken") {
        CHECK(receive_some(pair.near.get()).error == PackedError(std::errc::connection_refused));
        CHECK(selector.events(at_once).empty());
    }
    SUBCASE("removed") {
        REQUIRE_FALSE(bool(selector->remove(pair.near.get(), token(1))));
        CHECK(selector.events(at_once).empty());
    }
}

} // namespace
