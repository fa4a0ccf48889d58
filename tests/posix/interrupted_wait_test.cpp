// A wait that a signal interrupts (POSIX).
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "conformance/support/signals.hpp"

namespace {

using namespace tidemill::conformance;
using namespace std::chrono_literals;
using tidemill::Duration;
using tidemill::detail::Interest;

TEST_CASE_TEMPLATE(
    "a signal is neither an event nor an error, and ends the wait unless libuv goes on", S,
    TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair quiet;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(quiet.near.get(), Interest::read, token(1))));
    const SignalStorm storm;
    const Duration timeout = S::signals_end_waits ? ceiling : 5ms;
    const Stopwatch watch;
    for (int round = 0; round < 10; ++round) CHECK(selector.events(timeout).empty());
    CHECK((watch.elapsed() < 10 * timeout) == S::signals_end_waits);
    CHECK(watch.elapsed() < ceiling);
    CHECK(storm.count() > 0);
}

} // namespace
