// What a selector owes to who asks for news only: it may tell once, but may not keep a secret.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "support/os.hpp"

namespace {

using namespace tidemill::conformance;
using tidemill::Duration;
using tidemill::detail::Event;
using tidemill::detail::Interest;

constexpr auto at_once = Duration::zero();
constexpr Interest read_news = Interest::read | Interest::news_only;

// A connection whose near side asks for news.
template <class S> struct Watched {
    Watched() { REQUIRE_FALSE(bool(selector->add(pair.near.get(), read_news, token(1)))); }
    LoopbackPair pair;
    S selector;
};

void receive_exactly(tidemill::NativeSocket socket, std::size_t count) {
    std::vector<std::byte> bytes(count);
    const auto received = tidemill::detail::native_sockets().receive(socket, bytes);
    REQUIRE(received.bytes == count);
}

TEST_CASE_TEMPLATE("news are told once by a selector that can, and again when more comes", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const Watched<S> watched;
    const auto& [pair, selector] = watched;
    pair.far_sends("x");
    REQUIRE(selector.events().size() == 1);
    CHECK(selector.events(at_once).empty() == S::tells_news_once);
    pair.far_sends("y");
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    CHECK_FALSE(ready[0].writable);
}

TEST_CASE_TEMPLATE("a renewed interest in news is told what is there already", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const Watched<S> watched;
    const auto& [pair, selector] = watched;
    pair.far_sends("x");
    for (const int turn : {1, 2, 3}) {
        CAPTURE(turn);
        REQUIRE(selector.events().size() == 1);
        REQUIRE_FALSE(bool(selector->modify(pair.near.get(), read_news, token(1))));
    }
}

TEST_CASE_TEMPLATE("news that come while nobody watches are told to who adds the socket", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const Watched<S> watched;
    const auto& [pair, selector] = watched;
    pair.far_sends("x");
    REQUIRE(selector.events().size() == 1);
    REQUIRE_FALSE(bool(selector->remove(pair.near.get(), token(1))));
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), read_news, token(1))));
    CHECK(selector.events().size() == 1);
}

// Whoever takes the bytes and sees that there were fewer than asked for may only then wait.
template <class S>
void check_more_is_known(const S& selector, const LoopbackPair& pair, std::size_t bytes) {
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    receive_exactly(pair.near.get(), bytes);
    const bool is_repeated = !selector.events(at_once).empty();
    CHECK((ready[0].more_behind || is_repeated));
}

TEST_CASE_TEMPLATE("an end behind bytes is no secret to who asks for news only", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const Watched<S> watched;
    const auto& [pair, selector] = watched;
    pair.far_sends("last");
    pair.far_ends();
    check_more_is_known(selector, pair, 4);
}

TEST_CASE_TEMPLATE("bytes behind urgent data are no secret to who asks for news only", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const Watched<S> watched;
    const auto& [pair, selector] = watched;
    pair.far_sends("before");
    tidemill::support::send_urgent(pair.far.get());
    pair.far_sends("behind");
    check_more_is_known(selector, pair, 6); // a receive stops at the mark
}

} // namespace
