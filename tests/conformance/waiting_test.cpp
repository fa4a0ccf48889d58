// How a wait ends when no socket ends it: by a wake, by time.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"

#include <atomic>
#include <thread>

namespace {

using namespace tidemill::conformance;
using namespace std::chrono_literals;
using tidemill::Duration;
using tidemill::detail::Interest;

TEST_CASE_TEMPLATE("a wake before the wait ends it, once, with no socket registered", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const S selector;
    const Stopwatch watch;
    selector->wake();
    CHECK(selector.events().empty());
    CHECK(watch.elapsed() < ceiling);
    const Stopwatch undisturbed;
    CHECK(selector.events(2ms).empty());
    CHECK(undisturbed.elapsed() >= 2ms);
}

TEST_CASE_TEMPLATE("a thousand wakes coalesce into few returns, and at least one", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const S selector;
    const Stopwatch watch;
    for (int i = 0; i < 1000; ++i) selector->wake();
    CHECK(selector.events().empty());
    REQUIRE(watch.elapsed() < ceiling);
    int returns = 1;
    for (bool is_woken = true; is_woken && returns < 1000; ++returns) {
        const Stopwatch undisturbed;
        REQUIRE(selector.events(2ms).empty());
        is_woken = undisturbed.elapsed() < 2ms;
    }
    CHECK(returns <= 2);
}

TEST_CASE_TEMPLATE("a wake from another thread is never lost", S, TIDEMILL_EVERY_SELECTOR) {
    constexpr int rounds = 1000;
    const S selector;
    std::atomic<int> asked{0};
    std::thread waker([&] {
        for (int round = 1; round <= rounds; ++round) {
            while (asked.load() < round) std::this_thread::yield();
            selector->wake();
        }
    });
    bool is_lost = false;
    for (int round = 1; round <= rounds && !is_lost; ++round) {
        const Stopwatch watch;
        asked.store(round);
        static_cast<void>(selector.events(ceiling));
        is_lost = watch.elapsed() >= ceiling;
    }
    asked.store(rounds);
    waker.join();
    CHECK_FALSE(is_lost);
}

TEST_CASE_TEMPLATE("what a thread wrote before its wake is seen after the wait", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr int wakes = 1000;
    const S selector;
    std::atomic<int> written{0};
    std::thread writer([&] {
        for (int i = 0; i < wakes; ++i) {
            written.fetch_add(1, std::memory_order_relaxed);
            selector->wake();
        }
    });
    const Stopwatch watch;
    int returns = 0;
    while (written.load(std::memory_order_relaxed) < wakes && watch.elapsed() < ceiling) {
        static_cast<void>(selector.events(ceiling));
        ++returns;
    }
    writer.join();
    CHECK(watch.elapsed() < ceiling);
    CHECK(returns <= wakes);
}

TEST_CASE_TEMPLATE("a wake does not hide an event", S, TIDEMILL_EVERY_SELECTOR) {
    const UdpPair pair;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    pair.far_sends("x");
    selector->wake();
    CHECK(selector.events().size() == 1);
}

TEST_CASE_TEMPLATE("a wait never returns before its time", S, TIDEMILL_EVERY_SELECTOR) {
    const LoopbackPair quiet;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(quiet.near.get(), Interest::read, token(1))));
    constexpr Duration timeouts[] = {0ns, 1ns, 1us, 100us, 999us, 999'999ns, 1ms, 1'000'001ns, 3ms};
    for (const Duration timeout : timeouts) {
        CAPTURE(timeout.count());
        const Stopwatch watch;
        CHECK(selector.events(timeout).empty());
        CHECK(watch.elapsed() >= timeout);
    }
}

TEST_CASE_TEMPLATE("a timeout that has passed already does not wait", S, TIDEMILL_EVERY_SELECTOR) {
    const S selector;
    for (const Duration timeout : {Duration(-1), Duration(-2s), Duration::min()}) {
        CAPTURE(timeout.count());
        const Stopwatch watch;
        CHECK(selector.events(timeout).empty());
        CHECK(watch.elapsed() < ceiling);
    }
}

// The other thread's bytes come late: a wait that takes a huge timeout for a passed one ends first.
TEST_CASE_TEMPLATE("a huge timeout waits", S, TIDEMILL_EVERY_SELECTOR) {
    constexpr Duration timeouts[] = {tidemill::detail::Selector::forever,
                                     Duration::max() - 1ns,
                                     Duration::max() / 2,
                                     std::chrono::hours(24 * 365),
                                     std::chrono::milliseconds(std::int64_t{1} << 31),
                                     std::chrono::hours(24) + 1ns};
    for (const Duration timeout : timeouts) {
        CAPTURE(timeout.count());
        const UdpPair pair;
        const S selector;
        REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
        std::thread sender([&] {
            const S timer;
            static_cast<void>(timer.events(3ms));
            send_all(pair.far.get(), "x");
        });
        const auto ready = selector.events(timeout);
        sender.join();
        CHECK(ready.size() == 1);
    }
}

} // namespace
