// The limit of `select` on POSIX: a descriptor's number, not a count.
#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "posix/support/lowered_limit.hpp"
#include "support/os.hpp"

#include <sys/socket.h>
#include <vector>

namespace {

using namespace tidemill::conformance;
using tidemill::Errc;
using tidemill::detail::Interest;
using tidemill::detail::PackedError;
using tidemill::support::LoweredLimit;

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

TEST_CASE_TEMPLATE("a limit of descriptors that is lowered under a selector costs no event", S,
                   TIDEMILL_EVERY_SELECTOR) {
    constexpr std::size_t count = 40;
    std::vector<UdpPair> pairs(count);
    const S selector;
    for (std::size_t i = 0; i < count; ++i)
        REQUIRE_FALSE(bool(selector->add(pairs[i].near.get(), Interest::read, token(i))));
    for (const rlim_t limit : {rlim_t{16}, rlim_t{1}}) {
        CAPTURE(limit);
        const LoweredLimit lowered(limit);
        CHECK(selector.events(tidemill::Duration::zero()).empty());
        for (const std::size_t index : {count - 1, std::size_t{0}, count / 2}) {
            pairs[index].far_sends("x");
            const auto events = selector.events();
            REQUIRE(events.size() == 1);
            CHECK(events[0].token == token(index));
            CHECK(events[0].readable);
            char taken = 0;
            CHECK(::recv(pairs[index].near.get(), &taken, 1, 0) == 1);
            CHECK_FALSE(bool(selector->modify(pairs[index].near.get(),
                                              Interest::read | Interest::write, token(index))));
            CHECK(selector.events().size() == 1);
            CHECK_FALSE(
                bool(selector->modify(pairs[index].near.get(), Interest::read, token(index))));
        }
        selector->wake();
        CHECK(selector.events().empty());
    }
}

} // namespace
