// The alarm that ends waits of epoll: when it is set, and that nothing is late or lost by it.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "posix/epoll_alarm.hpp"
#include "posix/support/lowered_limit.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <poll.h>
#include <sys/timerfd.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace tidemill::conformance;
using tidemill::Duration;
using tidemill::detail::EpollAlarm;
using tidemill::detail::Interest;

/// Time until it goes off; zero: it is not set, or has gone off.
Duration time_left(const EpollAlarm& alarm) {
    itimerspec left{};
    REQUIRE(::timerfd_gettime(alarm.descriptor(), &left) == 0);
    return std::chrono::seconds(left.it_value.tv_sec) +
           std::chrono::nanoseconds(left.it_value.tv_nsec);
}

TEST_CASE("the alarm is set for the first far deadline, and again only for an earlier one") {
    EpollAlarm alarm;
    REQUIRE(alarm.descriptor() != -1);
    CHECK(alarm.ends_wait_within(1h));
    const Duration first = time_left(alarm);
    CHECK(first <= 1h);
    CHECK(first > 59min);
    CHECK(alarm.ends_wait_within(2h));
    CHECK(time_left(alarm) <= first);
    CHECK(alarm.ends_wait_within(10min));
    CHECK(time_left(alarm) <= 10min);
    CHECK(time_left(alarm) > 9min);
    alarm.on_expired();
    CHECK(alarm.ends_wait_within(2h));
    CHECK(time_left(alarm) > 1h);
}

TEST_CASE("a wait that is short, endless or none at all has no alarm") {
    EpollAlarm alarm;
    CHECK_FALSE(alarm.ends_wait_within(99ms));
    CHECK_FALSE(alarm.ends_wait_within(0ms));
    CHECK_FALSE(alarm.ends_wait_within(-1ms));
    CHECK_FALSE(alarm.ends_wait_within(tidemill::detail::Selector::forever));
    CHECK(time_left(alarm) == Duration::zero());
    CHECK(alarm.ends_wait_within(1h)); // as if it had been asked first
    CHECK_FALSE(alarm.ends_wait_within(99ms));
    CHECK(time_left(alarm) > 59min);
}

TEST_CASE("a deadline beyond all limits sets an alarm that goes off before") {
    EpollAlarm alarm;
    CHECK(alarm.ends_wait_within(tidemill::detail::Selector::forever - 1ns));
    CHECK(time_left(alarm) > 1h);
    CHECK(time_left(alarm) <= 24h);
}

TEST_CASE("an alarm goes off once each time that it was set, not before its moment") {
    const Epoll selector;
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        const Stopwatch watch;
        CHECK(selector.events(120ms).empty());
        CHECK(watch.elapsed() >= 120ms);
        pollfd set{selector->native_handle(), POLLIN, 0};
        CHECK(::poll(&set, 1, 0) == 0); // nothing is left to be told
    }
}

TEST_CASE("an alarm that was set for a deadline of before ends no later wait") {
    const Epoll selector;
    const UdpPair pair;
    REQUIRE_FALSE(bool(selector->add(pair.near.get(), Interest::read, token(1))));
    pair.far_sends("x");
    await_readable(pair.near.get());
    CHECK(selector.events(150ms).size() == 1); // the alarm stays set
    REQUIRE_FALSE(bool(selector->remove(pair.near.get(), token(1))));
    const Stopwatch watch;
    CHECK(selector.events(300ms).empty());
    CHECK(watch.elapsed() >= 300ms);
}

TEST_CASE("an alarm that was set for a deadline of before ends no wait without one") {
    const Epoll selector;
    selector->wake();
    CHECK(selector.events(100ms).empty()); // the alarm stays set
    std::atomic<bool> is_woken = false;
    const std::jthread waker([&] {
        const Epoll other;
        static_cast<void>(other.events(200ms)); // until the alarm has gone off
        is_woken = true;
        selector->wake();
    });
    CHECK(selector.events(tidemill::detail::Selector::forever).empty());
    CHECK(is_woken);
}

TEST_CASE("without a descriptor for the alarm a wait still ends in time") {
    const int lowest = ::dup(0); // the numbers below are taken
    REQUIRE(lowest != -1);
    ::close(lowest);
    // Two more: the waker and the set.
    const tidemill::support::LoweredLimit limit(static_cast<rlim_t>(lowest) + 2);
    const Epoll selector;
    CHECK(::dup(0) == -1);
    const Stopwatch watch;
    CHECK(selector.events(120ms).empty());
    CHECK(watch.elapsed() >= 120ms);
}

} // namespace
