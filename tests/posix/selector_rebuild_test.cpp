// A selector that should start over when no descriptor is left (POSIX).
#include "conformance/support/revenant.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

namespace {

using namespace tidemill::conformance;
using tidemill::EventLoop;
using tidemill::detail::Interest;

/// Nothing can be opened as long as this lives.
class NoDescriptors {
public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{0, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEST_CASE("without a descriptor to start over with, the selector goes on as it is") {
    EventLoop loop;
    CHECK(loop.counters().selector_rebuilds == 0);
    if (!has_epoll(loop)) return; // the others never have to
    Heard kept(loop);
    kept.source.want(Interest::read);
    const Revenant revenant(loop);
    kept.is_sent();
    {
        const NoDescriptors none;
        turn(loop, 5);
    }
    CHECK(kept.source.readable == 5);
    CHECK(loop.counters().selector_rebuilds == 0);
    turn(loop, 5);
    CHECK(kept.source.readable == 10);
    CHECK(loop.counters().selector_rebuilds == 1);
}

} // namespace
