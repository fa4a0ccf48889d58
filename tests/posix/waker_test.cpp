// The descriptor through which other threads end a wait.
#include "posix/waker.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using tidemill::detail::Waker;

bool is_readable(const Waker& waker) {
    pollfd watched{waker.readable_end(), POLLIN, 0};
    return ::poll(&watched, 1, 0) == 1;
}

TEST_CASE("wakes in a row are undone together") {
    Waker waker = tidemill::or_throw(Waker::make());
    CHECK_FALSE(is_readable(waker));
    for (const int wakes : {1, 2, 1000}) {
        CAPTURE(wakes);
        for (int i = 0; i < wakes; ++i) waker.wake();
        CHECK(is_readable(waker));
        waker.drain();
        CHECK_FALSE(is_readable(waker));
    }
    waker.drain(); // in vain
    waker.wake();
    CHECK(is_readable(waker));
}

TEST_CASE("a wake that a forked child took away silences none that follows") {
    Waker waker = tidemill::or_throw(Waker::make());
    waker.wake();
    const pid_t child = ::fork();
    if (child == 0) {
        waker.drain();
        ::_exit(0);
    }
    REQUIRE(child != -1);
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    REQUIRE_FALSE(is_readable(waker));
    waker.wake();
    CHECK(is_readable(waker));
}

} // namespace
