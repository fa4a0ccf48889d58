// EventLoop::watch(): waits for sockets of other owners, and leaves them as they were.
#include <doctest/doctest.h>

#include "conformance/support/loopback.hpp"
#include "core/loop_core.hpp"
#include "support/death.hpp"
#include "support/stream_pairs.hpp"
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace tidemill;
using namespace tidemill::support;
using conformance::LoopbackPair;
using conformance::OwnedSocket;
using conformance::receive_some;

Task<Result<Interest>> watch(EventLoop& loop, NativeSocket socket, Interest interest,
                             Deadline deadline = within(5s)) {
    co_return co_await loop.watch(socket, interest, deadline);
}

/// What a watch gave, for CHECK.
std::string told(const Result<Interest>& result) {
    if (!result) return result.error().message();
    return std::string(includes(*result, Interest::read) ? "read " : "") +
           (includes(*result, Interest::write) ? "write" : "");
}

TEST_CASE("a watch tells which of the directions asked for are ready, and tells both at once") {
    LoopFixture f;
    const LoopbackPair pair;
    CHECK(told(f.run(watch(f.loop, pair.near.get(), Interest::write))) == "write");
    CHECK(told(f.run(watch(f.loop, pair.near.get(), Interest::read_write))) == "write");
    pair.far_sends("x");
    CHECK(told(f.run(watch(f.loop, pair.near.get(), Interest::read))) == "read ");
    CHECK(told(f.run(watch(f.loop, pair.near.get(), Interest::read_write))) == "read write");
    CHECK(receive_some(pair.near.get()).bytes == 1);
}

TEST_CASE("a watch waits until the socket is ready") {
    LoopFixture f;
    const LoopbackPair pair;
    Pending<Result<Interest>> waiting(f.loop, watch(f.loop, pair.near.get(), Interest::read));
    f.settle();
    CHECK_FALSE(waiting.is_done());
    CHECK(f.loop.counters().open_sockets == 1);
    pair.far_sends("x");
    REQUIRE(f.turn_until([&] { return waiting.is_done(); }));
    CHECK(told(*waiting) == "read ");
    CHECK(f.loop.counters().open_sockets == 0);
}

TEST_CASE("a reset ends a watch for either direction, and is left for the socket's owner") {
    for (const Interest interest : {Interest::read, Interest::write}) {
        CAPTURE(int(interest));
        LoopFixture f;
        LoopbackPair pair;
        pair.fill_near();
        Pending<Result<Interest>> waiting(f.loop, watch(f.loop, pair.near.get(), interest));
        f.settle();
        REQUIRE_FALSE(waiting.is_done());
        pair.far_resets();
        REQUIRE(f.turn_until([&] { return waiting.is_done(); }));
        CHECK(told(*waiting) == (interest == Interest::read ? "read " : "write"));
        CHECK(receive_some(pair.near.get()).error ==
              detail::PackedError(std::errc::connection_reset));
    }
}

TEST_CASE("a watch ends by its deadline, or by cancellation") {
    LoopFixture f;
    const LoopbackPair pair;
    Pending<Result<Interest>> late(f.loop, watch(f.loop, pair.near.get(), Interest::read));
    f.settle();
    f.advance(6s);
    REQUIRE(late.is_done());
    CHECK(late->error() == Errc::deadline_expired);
    Pending<Result<Interest>> ended(f.loop, watch(f.loop, pair.near.get(), Interest::read));
    f.settle();
    ended.cancel();
    f.settle();
    REQUIRE(ended.is_done());
    CHECK(ended->error() == Errc::cancelled);
}

TEST_CASE("a socket that is ready beats a deadline that has passed meanwhile") {
    LoopFixture f;
    const LoopbackPair pair;
    Pending<Result<Interest>> waiting(f.loop, watch(f.loop, pair.near.get(), Interest::read));
    f.settle();
    pair.far_sends("x");
    f.advance(6s);
    REQUIRE(waiting.is_done());
    CHECK(told(*waiting) == "read ");
}

TEST_CASE("nobody is told of a socket after its watch has ended, however it ended") {
    LoopFixture f;
    const LoopbackPair pair;
    SUBCASE("by readiness") {
        CHECK(f.run(watch(f.loop, pair.near.get(), Interest::write)).has_value());
    }
    SUBCASE("by its deadline") {
        CHECK_FALSE(f.run(watch(f.loop, pair.near.get(), Interest::read, within(0s))).has_value());
    }
    SUBCASE("by the end of its task") {
        Pending<Result<Interest>> waiting(f.loop, watch(f.loop, pair.near.get(), Interest::read));
        f.settle();
        waiting.destroy();
    }
    pair.far_sends("x");
    const std::uint64_t before = f.loop.counters().events;
    f.settle();
    CHECK(f.loop.counters().events == before);
}

TEST_CASE("a watch neither closes the socket nor changes its mode, even if the loop goes first") {
    const LoopbackPair pair;
    const int flags = ::fcntl(pair.near.get(), F_GETFL) & ~O_NONBLOCK;
    REQUIRE(::fcntl(pair.near.get(), F_SETFL, flags) == 0);
    {
        std::optional<LoopFixture> f(std::in_place);
        CHECK(f->run(watch(f->loop, pair.near.get(), Interest::write)).has_value());
        Pending<Result<Interest>> waiting(f->loop, watch(f->loop, pair.near.get(), Interest::read));
        f->settle();
        f.reset();
        CHECK_FALSE(waiting.is_done());
    }
    CHECK(::fcntl(pair.near.get(), F_GETFL) == flags);
    pair.far_sends("x");
    CHECK(receive_some(pair.near.get()).bytes == 1);
}

TEST_CASE("a number that its owner closes and uses again can be watched again") {
    LoopFixture f;
    for (int times = 0; times < 3; ++times) {
        LoopbackPair pair;
        Pending<Result<Interest>> waiting(f.loop, watch(f.loop, pair.near.get(), Interest::read));
        f.settle();
        waiting.destroy();
        const NativeSocket number = pair.near.get();
        pair.near.close();
        const OwnedSocket next =
            conformance::moved_up(conformance::bound_socket(detail::SocketKind::datagram), number);
        REQUIRE(next.get() == number);
        CHECK(told(f.run(watch(f.loop, number, Interest::read_write))) == "write");
    }
}

TEST_CASE("a second watch of a socket, and one of no socket, are refused") {
    LoopFixture f;
    const LoopbackPair pair;
    Pending<Result<Interest>> first(f.loop, watch(f.loop, pair.near.get(), Interest::read));
    const auto second = f.run(watch(f.loop, pair.near.get(), Interest::write));
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error() == std::errc::file_exists);
    const auto none = f.run(watch(f.loop, invalid_socket, Interest::read));
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error() == std::errc::bad_file_descriptor);
    pair.far_sends("x");
    REQUIRE(f.turn_until([&] { return first.is_done(); }));
    CHECK(told(*first) == "read ");
    CHECK(f.loop.counters().open_sockets == 0);
}

TEST_CASE("a regular file is refused by epoll and libuv, and always ready for the others") {
    LoopFixture f;
    std::FILE* const file = std::tmpfile();
    REQUIRE(bool(file));
    const auto result = f.run(watch(f.loop, ::fileno(file), Interest::read));
    const std::string_view selector = f.loop.selector_name();
    if (selector == "epoll" || selector == "uv") {
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error() == std::errc::operation_not_permitted);
    } else {
        CHECK(told(result) == "read ");
    }
    CHECK(std::fclose(file) == 0);
}

TEST_CASE("a watch for nothing, and one on another task's loop, are misuse") {
    LoopFixture f;
    EventLoop other;
    const LoopbackPair pair;
    DIES_WITH("one direction or both",
              [&] { f.run(watch(f.loop, pair.near.get(), Interest::none)); });
    DIES_WITH("one direction or both",
              [&] { f.run(watch(f.loop, pair.near.get(), Interest::news_only)); });
    DIES_WITH("on its own loop", [&] { f.run(watch(other, pair.near.get(), Interest::read)); });
}

/// A selector of a platform on which only the library's own sockets can be watched.
class OwnSocketsOnly final : public detail::Selector {
public:
    detail::PackedError add(NativeSocket, Interest, detail::Token) override { return {}; }
    detail::PackedError modify(NativeSocket, Interest, detail::Token) override { return {}; }
    detail::PackedError remove(NativeSocket, detail::Token) override { return {}; }
    void closing(NativeSocket, detail::Token, bool) override {}
    Result<std::size_t> wait(std::span<detail::Event>, Duration) override { return 0; }
    void wake() noexcept override {}
    [[nodiscard]] const char* name() const noexcept override { return "own"; }
};

TEST_CASE("where foreign sockets cannot be watched, a watch says so") {
    EventLoop loop(std::make_unique<detail::LoopCore>(
        LoopOptions{}, detail::Seams{std::make_unique<OwnSocketsOnly>(), nullptr}));
    const LoopbackPair pair;
    const auto result = loop.run(watch(loop, pair.near.get(), Interest::read));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == std::errc::not_supported);
}

} // namespace
