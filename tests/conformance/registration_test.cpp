// What add, modify, remove and closing promise: the socket is the key, a token is what its events
// are called, and a failed call changes nothing.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"

#include <map>
#include <random>

namespace {

using namespace tidemill::conformance;
using tidemill::Duration;
using tidemill::NativeSocket;
using tidemill::detail::Event;
using tidemill::detail::includes;
using tidemill::detail::Interest;
using tidemill::detail::PackedError;
using tidemill::detail::SocketKind;

constexpr auto at_once = Duration::zero();

TEST_CASE_TEMPLATE("adding a socket twice is refused and changes nothing", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const UdpPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    const PackedError exists = std::errc::file_exists;
    CHECK(selector->add(pair.near.get(), Interest::write, token(1)) == exists);
    CHECK(selector->add(pair.near.get(), Interest::write, token(2)) == exists);
    CHECK(selector.events(at_once).empty()); // or its room to write would be told
    pair.far_sends("x");
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].token == token(1));
}

TEST_CASE_TEMPLATE("changing or removing an unknown socket is refused and changes nothing", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const UdpPair pair;
    const UdpPair stranger;
    const S selector;
    const PackedError unknown = std::errc::no_such_file_or_directory;
    CHECK(selector->modify(stranger.near.get(), Interest::write, token(1)) == unknown);
    CHECK(selector->remove(stranger.near.get(), token(1)) == unknown);
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::write, token(1))));
    CHECK(selector->modify(stranger.near.get(), Interest::write, token(2)) == unknown);
    CHECK(selector->remove(stranger.near.get(), token(2)) == unknown);
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].token == token(1));

    REQUIRE_FALSE(bool(selector->remove(pair.near.get(), token(1))));
    CHECK(selector->remove(pair.near.get(), token(1)) == unknown);
    CHECK(selector->modify(pair.near.get(), Interest::write, token(1)) == unknown);
    CHECK(selector.events(at_once).empty());
}

TEST_CASE_TEMPLATE("what is no descriptor at all is refused", S, TIDEMILL_EVERY_SELECTOR) {
    const S selector;
    CHECK(selector->add(tidemill::invalid_socket, Interest::read, token(1)) ==
          PackedError(std::errc::bad_file_descriptor));
    CHECK(bool(selector->modify(tidemill::invalid_socket, Interest::read, token(1))));
    CHECK(bool(selector->remove(tidemill::invalid_socket, token(1))));
    CHECK(selector.events(at_once).empty());
}

TEST_CASE_TEMPLATE("a changed interest, and a changed token, take effect at the next wait", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    REQUIRE(selector.events(at_once).empty());
    REQUIRE_FALSE(bool(selector->modify(pair.near.get(), Interest::write, token(2, 9))));
    const auto ready = selector.events(at_once);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].token == token(2, 9));
    CHECK(ready[0].writable);
    pair.far_sends("x");
    REQUIRE_FALSE(bool(selector->modify(pair.near.get(), Interest::read_write, token(2, 9))));
    const auto both = selector.events(at_once);
    REQUIRE(both.size() == 1);
    CHECK(both[0].readable);
    CHECK(both[0].writable);
    drain(pair.near.get());
    REQUIRE_FALSE(bool(selector->modify(pair.near.get(), Interest::read, token(2, 9))));
    CHECK(selector.events(at_once).empty());
}

TEST_CASE_TEMPLATE("a removed socket is not reported although it is ready", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const UdpPair removed;
    const UdpPair kept;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(removed.near.get(), Interest::read_write, token(1))));
    REQUIRE_FALSE(bool(selector->add(kept.near.get(), Interest::read, token(2))));
    removed.far_sends("x");
    kept.far_sends("x");
    REQUIRE(selector.events().size() == 2);
    REQUIRE_FALSE(bool(selector->remove(removed.near.get(), token(1))));
    const auto ready = selector.events();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].token == token(2));

    REQUIRE_FALSE(bool(selector->add(removed.near.get(), Interest::read, token(3))));
    CHECK(selector.events().size() == 2);
}

TEST_CASE_TEMPLATE("a number that is closed and used again never reports the old token", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const S selector;
    for (unsigned generation = 1; generation <= 5; ++generation) {
        CAPTURE(generation);
        UdpPair pair;
        const NativeSocket number = pair.near.get();
        pair.far_sends("for the old one");
        REQUIRE_FALSE(bool(selector->add(number, Interest::read, token(1, generation))));
        if (generation % 2 == 0) REQUIRE(selector.events().size() == 1);
        selector->closing(number, token(1, generation), true);
        pair.near.close();
        const OwnedSocket next = bound_socket(SocketKind::datagram);
        REQUIRE(next.get() == number);
        CHECK(selector.events(at_once).empty());
        const auto fresh = token(1, generation + 100);
        REQUIRE_FALSE(bool(selector->add(number, Interest::write, fresh)));
        const auto ready = selector.events();
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].token == fresh);
        CHECK_FALSE(ready[0].readable);
        selector->closing(number, fresh, true);
    }
}

TEST_CASE_TEMPLATE("a closing socket that has a copy elsewhere is forgotten as well", S,
                   TIDEMILL_EVERY_SELECTOR) {
    UdpPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    selector->closing(pair.near.get(), token(1), false);
    const OwnedSocket copy = moved_up(std::move(pair.near), 3);
    send_all(pair.far.get(), "x");
    await_readable(copy.get());
    CHECK(selector.events(at_once).empty());
}

/// A selector beside a plain record of what it has been told, and of what is in the sockets.
template <class S> class Model {
public:
    void step(std::mt19937& random) {
        const std::size_t index = random() % std::size(pairs_);
        const auto interest = static_cast<Interest>(1 + random() % 3);
        switch (random() % 5) {
        case 0: return add(index, interest);
        case 1: return modify(index, interest);
        case 2: return remove(index);
        case 3: return pairs_[index].far_sends("x");
        default: return drain(pairs_[index].near.get());
        }
    }

    void check() {
        std::map<std::uint32_t, Event> ready;
        for (const Event& event : selector_.events(at_once)) ready[event.token.slot] = event;
        std::size_t expected = 0;
        for (std::size_t i = 0; i < std::size(pairs_); ++i) {
            const bool readable =
                includes(interests_[i], Interest::read) && has_input(pairs_[i].near.get());
            const bool writable = includes(interests_[i], Interest::write);
            if (!readable && !writable) continue;
            ++expected;
            const auto found = ready.find(static_cast<std::uint32_t>(i));
            REQUIRE(found != ready.end());
            CHECK(found->second.token == token(i, generations_[i]));
            CHECK(found->second.readable == readable);
            CHECK(found->second.writable == writable);
        }
        CHECK(ready.size() == expected);
    }

private:
    void add(std::size_t i, Interest interest) {
        const bool is_new = interests_[i] == Interest::none;
        const PackedError error =
            selector_->add(pairs_[i].near.get(), interest, token(i, generations_[i] + 1));
        REQUIRE(bool(error) == !is_new);
        if (!is_new) return;
        ++generations_[i];
        interests_[i] = interest;
    }
    void modify(std::size_t i, Interest interest) {
        const bool is_known = interests_[i] != Interest::none;
        const PackedError error =
            selector_->modify(pairs_[i].near.get(), interest, token(i, generations_[i]));
        REQUIRE(bool(error) == !is_known);
        if (is_known) interests_[i] = interest;
    }
    void remove(std::size_t i) {
        const bool is_known = interests_[i] != Interest::none;
        const PackedError error =
            selector_->remove(pairs_[i].near.get(), token(i, generations_[i]));
        REQUIRE(bool(error) == !is_known);
        interests_[i] = Interest::none;
    }

    UdpPair pairs_[12];
    Interest interests_[12] = {};
    unsigned generations_[12] = {};
    S selector_;
};

TEST_CASE_TEMPLATE("any order of calls leaves the selector as a plain record of them says", S,
                   TIDEMILL_EVERY_SELECTOR) {
    std::mt19937 random(20);
    Model<S> model;
    for (int step = 0; step < 3000; ++step) {
        CAPTURE(step);
        model.step(random);
        model.check();
    }
}

} // namespace
