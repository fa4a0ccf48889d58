// What libuv would abort for, told as an error.
#include "uv/host.hpp"
#include "uv/poll_set.hpp"

#include "conformance/support/loopback.hpp"
#include "conformance/support/selectors.hpp"
#include "support/allocations.hpp"
#include <cstdlib>

namespace {

using namespace tidemill;
using namespace tidemill::uv_tests;
using conformance::send_all;
using conformance::token;
using conformance::UdpPair;
using detail::Event;
using detail::Interest;
using detail::PackedError;
using detail::PollSet;
using support::LargestBlock;

void* realloc_if_permitted(void* block, std::size_t bytes) {
    return LargestBlock::permits(bytes) ? std::realloc(block, bytes) : nullptr;
}

// libuv takes its functions of memory before it is used first.
const bool is_limited =
    ::uv_replace_allocator(std::malloc, realloc_if_permitted, std::calloc, std::free) == 0;

TEST_CASE("a descriptor for which libuv's table cannot grow is refused, and may be watched later") {
    REQUIRE(is_limited);
    constexpr int high_number = 600;         // the watches up to it take 4,808 bytes
    constexpr std::size_t too_small = 8'191; // and libuv's table 8,192
    Host host;
    PollSet watched(host.loop());
    UdpPair pair;
    const conformance::OwnedSocket high = conformance::moved_up(std::move(pair.near), high_number);
    REQUIRE(high.get() == high_number);
    {
        const LargestBlock limit(too_small);
        CHECK(watched.add(high.get(), Interest::read, token(1)) ==
              PackedError(std::errc::not_enough_memory));
    }
    CHECK_FALSE(bool(watched.add(high.get(), Interest::read, token(1))));
    send_all(pair.far.get(), "x");
    watched.begin_round();
    host.run(UV_RUN_ONCE);
    Event ready[2];
    REQUIRE(watched.take(ready) == 1);
    CHECK(ready[0].token == token(1));
    CHECK(ready[0].readable);
}

} // namespace
