// The limit of `select` on POSIX: a descriptor's number, not a count.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "support/os.hpp"

namespace {

using namespace tidemill::conformance;
using tidemill::Errc;
using tidemill::detail::Interest;
using tidemill::detail::PackedError;

constexpr int first_beyond_limit = 1024; // FD_SETSIZE
constexpr unsigned many_descriptors = 4200;

TEST_CASE_TEMPLATE("a descriptor beyond the selector's limit is refused, not written past", S,
                   TIDEMILL_EVERY_SELECTOR) {
    const tidemill::support::SocketLimit limit(many_descriptors);
    REQUIRE(limit.is_granted());
    const UdpPair low;
    const S selector;
    REQUIRE_FALSE(bool(selector->add(low.near.get(), Interest::read, token(1))));
    low.far_sends("x");
    for (const int lowest : {first_beyond_limit, first_beyond_limit + 1, 4000}) {
        CAPTURE(lowest);
        UdpPair pair;
        const OwnedSocket high = moved_up(std::move(pair.near), lowest);
        REQUIRE(high.get() == lowest);
        send_all(pair.far.get(), "x");
        await_readable(high.get());
        const PackedError error = selector->add(high.get(), Interest::read, token(2));
        CHECK(error == (S::is_limited ? PackedError(Errc::selector_limit) : PackedError()));
        CHECK(bool(selector->modify(high.get(), Interest::read, token(2))) == S::is_limited);
        CHECK(selector.events().size() == (S::is_limited ? 1 : 2));
        CHECK(bool(selector->remove(high.get(), token(2))) == S::is_limited);
    }
    UdpPair pair;
    const OwnedSocket last = moved_up(std::move(pair.near), first_beyond_limit - 1);
    REQUIRE(last.get() == first_beyond_limit - 1);
    CHECK_FALSE(bool(selector->add(last.get(), Interest::write, token(3))));
    CHECK(selector.events().size() == 2);
}

} // namespace
