// The states of a poll request (idle, pending, cancelled, and buried after a close), visited at
// random: sockets are added, changed, removed, closed under their requests and made anew while
// datagrams come and packets are on their way.
//
// After each sequence whatever is ready and wanted must be told. No event may carry a token that is
// over, or a direction that nobody wants any more. Freed requests are kept and marked, which finds
// a kernel that still writes to one.
//
// A failure names its seed. TIDEMILL_SEED=that runs it as the first of the sequences.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "win32/support/quarantine.hpp"
#include "win32/watched_socket.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <doctest/doctest.h>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace tidemill {
namespace {

using namespace conformance;
using detail::Interest;

constexpr auto at_once = Duration::zero();
constexpr unsigned sequences = 2000;
constexpr int steps = 30;
constexpr std::size_t socket_count = 6;

unsigned first_seed() {
    const char* const text = std::getenv("TIDEMILL_SEED");
    return text == nullptr ? 1 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

struct Place {
    UdpPair pair;
    Interest wanted = Interest::none;
    unsigned generation = 0;
    bool has_input = false;
};

// The sockets and the selector live on from one sequence to the next, with what is on its way.
class World {
public:
    void run_sequence(unsigned seed) {
        random_.seed(seed);
        for (int i = 0; i < steps; ++i) step();
        expect_what_is_ready();
    }
    void forget_all() {
        for (std::size_t slot = 0; slot < socket_count; ++slot) remove(slot);
        selector_ = nullptr;
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    detail::Token token_of(std::size_t slot) const { return token(slot, places_[slot].generation); }

    void step() {
        const std::size_t slot = below(socket_count);
        switch (below(10)) {
        case 0:
        case 1: return want(slot);
        case 2: return remove(slot);
        case 3:
        case 4: return far_sends(places_[slot]);
        case 5: return receive_all(places_[slot]);
        case 6: return below(20) == 0 ? start_over() : make_anew(slot);
        case 7: return (*selector_)->wake();
        default: return static_cast<void>(told(at_once));
        }
    }

    void want(std::size_t slot) {
        constexpr std::array all = {Interest::read, Interest::write, Interest::read_write};
        Place& place = places_[slot];
        const Interest wanted = all[below(all.size())];
        const bool is_new = std::exchange(place.wanted, wanted) == Interest::none;
        ++place.generation;
        add_or_modify(slot, is_new);
    }
    void add_or_modify(std::size_t slot, bool is_new) {
        detail::Selector& selector = **selector_;
        const NativeSocket socket = places_[slot].pair.near.get();
        const Interest wanted = places_[slot].wanted;
        REQUIRE_FALSE(bool(is_new ? selector.add(socket, wanted, token_of(slot))
                                  : selector.modify(socket, wanted, token_of(slot))));
    }
    void remove(std::size_t slot) {
        Place& place = places_[slot];
        if (std::exchange(place.wanted, Interest::none) == Interest::none) return;
        REQUIRE_FALSE(bool((*selector_)->remove(place.pair.near.get(), token_of(slot))));
    }

    static void far_sends(Place& place) {
        if (!std::exchange(place.has_input, true)) place.pair.far_sends("x");
    }
    static void receive_all(Place& place) {
        if (std::exchange(place.has_input, false)) drain(place.pair.near.get());
    }

    // The next socket may well get the number of the one that closes.
    void make_anew(std::size_t slot) {
        Place& place = places_[slot];
        (*selector_)->closing(place.pair.near.get(), token_of(slot), true);
        place.pair.near.close();
        place.pair = UdpPair();
        place.has_input = false;
        place.wanted = Interest::none;
        if (below(2) == 0) want(slot);
    }

    // The old selector goes while the kernel has its requests.
    void start_over() {
        selector_ = std::make_unique<Iocp>();
        for (std::size_t slot = 0; slot < socket_count; ++slot)
            if (places_[slot].wanted != Interest::none) add_or_modify(slot, true);
    }

    [[nodiscard]] std::vector<detail::Event> told(Duration timeout) {
        const auto events = selector_->events(timeout, 1 + below(4));
        for (const detail::Event& event : events) {
            REQUIRE(event.token.slot < socket_count);
            const Place& place = places_[event.token.slot];
            REQUIRE(event.token == token_of(event.token.slot));
            const bool is_wanted =
                (event.readable && detail::includes(place.wanted, Interest::read)) ||
                (event.writable && detail::includes(place.wanted, Interest::write));
            REQUIRE(is_wanted);
        }
        return events;
    }

    // A wait has room for a few events only, so that some are left to the next one.
    void expect_what_is_ready() {
        constexpr std::size_t most_waits = 20 * socket_count;
        std::array<Interest, socket_count> missing{};
        for (std::size_t slot = 0; slot < socket_count; ++slot) missing[slot] = due(places_[slot]);
        const auto is_told = [](Interest each) { return each == Interest::none; };
        for (std::size_t i = 0; i < most_waits; ++i) {
            if (std::all_of(missing.begin(), missing.end(), is_told)) break;
            for (const detail::Event& event : told(ceiling)) {
                Interest& left = missing[event.token.slot];
                if (event.readable) left = detail::without(left, Interest::read);
                if (event.writable) left = detail::without(left, Interest::write);
            }
        }
        CHECK(std::all_of(missing.begin(), missing.end(), is_told));
    }
    // There is always room for a datagram.
    static Interest due(const Place& place) {
        return place.has_input ? place.wanted : detail::without(place.wanted, Interest::read);
    }

    std::mt19937 random_;
    std::array<Place, socket_count> places_;
    std::unique_ptr<Iocp> selector_ = std::make_unique<Iocp>();
};

} // namespace

TEST_CASE("no sequence of changes loses an event, tells a stale one or frees what is in use") {
    support::quarantine_blocks_of(sizeof(detail::WatchedSocket));
    World world;
    for (unsigned i = 0; i < sequences; ++i) {
        const unsigned seed = first_seed() + i;
        CAPTURE(seed);
        world.run_sequence(seed);
    }
    world.forget_all();
    CHECK(support::quarantined_blocks() > sequences);
    CHECK(support::touched_blocks() == 0);
}

} // namespace tidemill
