// More ready sockets than room for events: everybody's turn comes, and nothing moves under the
// scan.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "support/os.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace tidemill::conformance;
using tidemill::Duration;
using tidemill::Errc;
using tidemill::detail::Event;
using tidemill::detail::Interest;
using tidemill::detail::PackedError;
using tidemill::detail::SocketKind;

constexpr auto at_once = Duration::zero();

/// Sockets that are always ready: a UDP socket has room to write.
class ReadySockets {
public:
    ReadySockets(const SelectorUnderTest& selector, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            sockets_.push_back(bound_socket(SocketKind::datagram));
            REQUIRE_FALSE(bool(selector->add(sockets_[i].get(), Interest::write, token(i))));
        }
    }
    [[nodiscard]] tidemill::NativeSocket operator[](std::size_t i) const {
        return sockets_[i].get();
    }

private:
    std::vector<OwnedSocket> sockets_;
};

TEST_CASE_TEMPLATE("with more ready sockets than room, each is reported within a full round", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr std::size_t count = 10;
    for (const std::size_t room : {1u, 3u, 4u, 9u, 10u}) {
        CAPTURE(room);
        const S selector;
        const ReadySockets sockets(selector, count);
        std::set<std::uint32_t> seen;
        const std::size_t waits = (count + room - 1) / room;
        for (std::size_t wait = 0; wait < waits; ++wait)
            for (const Event& event : selector.events(ceiling, room)) seen.insert(event.token.slot);
        CHECK(seen.size() == count);
    }
}

TEST_CASE_TEMPLATE("over many rounds nobody is reported less often than the others", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr std::size_t count = 7;
    constexpr std::size_t rounds = 50;
    const S selector;
    const ReadySockets sockets(selector, count);
    std::vector<std::size_t> times(count);
    for (std::size_t wait = 0; wait < count * rounds; ++wait) // of 3 events each
        for (const Event& event : selector.events(ceiling, 3)) ++times[event.token.slot];
    const auto [fewest, most] = std::minmax_element(times.begin(), times.end());
    CHECK(*fewest >= 3 * rounds - 1);
    CHECK(*most <= 3 * rounds + 1);
}

TEST_CASE_TEMPLATE("a selector that is woken before every wait still reports everybody", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr std::size_t count = 5;
    const S selector;
    const ReadySockets sockets(selector, count);
    std::set<std::uint32_t> seen;
    for (std::size_t wait = 0; wait < 2 * (count + 1); ++wait) {
        selector->wake();
        for (const Event& event : selector.events(ceiling, 1)) seen.insert(event.token.slot);
    }
    CHECK(seen.size() == count);
}

TEST_CASE_TEMPLATE("sockets removed between two parts of a round are not reported in the rest", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr std::size_t count = 9;
    const S selector;
    const ReadySockets sockets(selector, count);
    std::set<std::uint32_t> kept;
    for (std::uint32_t slot = 0; slot < count; ++slot) kept.insert(slot);
    while (!kept.empty()) {
        CAPTURE(kept.size());
        const auto ready = selector.events(ceiling, 2);
        for (const Event& event : ready) CHECK(kept.contains(event.token.slot));
        // One that has just been reported, and the last one registered.
        for (const std::uint32_t slot : {ready.at(0).token.slot, *kept.rbegin()}) {
            if (kept.erase(slot) == 0) continue;
            REQUIRE_FALSE(bool(selector->remove(sockets[slot], token(slot))));
        }
    }
    CHECK(selector.events(at_once).empty());
}

TEST_CASE_TEMPLATE("two thousand sockets are watched, or refused from the limit on", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr std::size_t count = 2000;
    const tidemill::support::SocketLimit limit(count + 200);
    REQUIRE(limit.is_granted());
    const S selector;
    std::vector<OwnedSocket> sockets;
    std::size_t watched = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sockets.push_back(bound_socket(SocketKind::datagram));
        const PackedError error = selector->add(sockets[i].get(), Interest::write, token(i));
        const bool is_refused =
            S::is_limited && tidemill::support::is_beyond_select(watched, sockets[i].get());
        REQUIRE(error == (is_refused ? PackedError(Errc::selector_limit) : PackedError()));
        watched += is_refused ? 0 : 1;
    }
    REQUIRE(watched > 900);
    CHECK(selector.events(ceiling, count).size() == watched);
    for (std::size_t i = 0; i < count; i += 2)
        static_cast<void>(selector->remove(sockets[i].get(), token(i)));
    const auto rest = selector.events(ceiling, count);
    CHECK(rest.size() == watched / 2);
    for (const Event& event : rest) REQUIRE(event.token.slot % 2 == 1);
}

} // namespace
