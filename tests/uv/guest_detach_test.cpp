// A guest that leaves its host, and goes on by itself.
#include "core/selector.hpp"
#include "uv/host.hpp"
#include "uv/reading.hpp"
#include <sys/resource.h>
#include <tidemill/uv/guest.hpp>

namespace {

using namespace tidemill;
using namespace tidemill::uv_tests;
using conformance::send_all;
using tidemill::uv::Guest;

TEST_CASE("a detached loop has all it had, and can be run by itself") {
    Host host;
    Guest guest(host.loop());
    Reading reading(guest.loop());
    host.run(UV_RUN_NOWAIT);
    REQUIRE(guest.detach().has_value());
    CHECK_FALSE(guest.is_attached());
    CHECK(guest.detach().has_value());
    CHECK(host.run() == 0);
    send_all(reading.pair.far.get(), "late");
    const auto start = detail::steady_clock().now();
    while (reading.bytes < 4 && detail::steady_clock().now() - start < 5s)
        guest.loop().run_once(5s);
    CHECK(reading.bytes == 4);
    guest.loop().stop();
    guest.loop().run();
}

TEST_CASE("a guest may detach itself in its own turn, in mid-batch") {
    Host host;
    Guest guest(host.loop());
    Reading one(guest.loop());
    Reading other(guest.loop());
    host.run(UV_RUN_NOWAIT);
    bool is_detached = false;
    REQUIRE(guest.loop().post([&] {
        is_detached = guest.detach().has_value();
        send_all(one.pair.far.get(), "x");
        send_all(other.pair.far.get(), "y");
    }));
    CHECK(host.run() == 0);
    REQUIRE(is_detached);
    const auto start = detail::steady_clock().now();
    while (one.bytes + other.bytes < 2 && detail::steady_clock().now() - start < 5s)
        guest.loop().run_once(5s);
    CHECK(one.bytes == 1);
    CHECK(other.bytes == 1);
}

TEST_CASE("a guest that cannot detach for want of descriptors stays attached, and works") {
    Host host;
    const Ceiling ceiling(host);
    Guest guest(host.loop());
    Reading reading(guest.loop());
    host.run(UV_RUN_NOWAIT);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const Result<void> detached = guest.detach();
    ::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE_FALSE(detached.has_value());
    CHECK(detached.error() == std::errc::too_many_files_open);
    CHECK(guest.is_attached());
    send_all(reading.pair.far.get(), "still here");
    while (reading.bytes < 10 && !ceiling.is_reached()) host.run(UV_RUN_ONCE);
    CHECK(reading.bytes == 10);
    reading.stream.abort();
    CHECK(host.run() == 0);
}

} // namespace
