// The right samples of docs/lifetime.md, as they stand there.
#include "support/stream_pairs.hpp"
#include <map>
#include <thread>
#include <tidemill/core/sleep.hpp>

namespace tidemill {
namespace {

using namespace std::chrono_literals;
using support::LoopFixture;

TEST_CASE("lifetime 1: another thread posts through a mailbox") {
    LoopFixture fixture;
    EventLoop& loop = fixture.loop;
    bool done = false;
    Remote remote = loop.remote();
    std::thread worker([remote, &done]() mutable {
        const bool is_accepted = remote.post([&done] { done = true; });
        static_cast<void>(is_accepted);
    });
    worker.join();
    CHECK(fixture.turn_until([&] { return done; }));
}

Task<void> serve_one(TcpStream stream) {
    const auto chunk = co_await stream.read();
    if (chunk && !chunk->empty()) static_cast<void>(co_await stream.write(*chunk));
}

TEST_CASE("lifetime 2: a stream moves to where it stays") {
    support::Pair<support::Tcp> pair;
    TaskScope scope(pair.loop);
    scope.spawn(serve_one(std::move(*pair.far)));
    REQUIRE(pair.run(support::writing(*pair.near, "hello")));
    CHECK(pair.run(support::reading(*pair.near)).value().text() == "hello");
}

struct Session {
    std::unique_ptr<Stream> stream;
    TaskScope tasks;
};

Task<void> reading_once(Stream& stream, std::error_code& outcome) {
    const auto chunk = co_await stream.read();
    outcome = chunk ? std::error_code() : chunk.error().code();
    CHECK(stream.is_open());
}

TEST_CASE("lifetime 3 and 4: tasks go first, and others are cancelled") {
    support::Pair<support::Memory> pair;
    std::error_code outcome;
    {
        Session session{std::move(pair.near), TaskScope(pair.loop)};
        session.tasks.spawn(reading_once(*session.stream, outcome));
        session.stream->cancel();
        pair.settle();
        CHECK(outcome == make_error_code(Errc::cancelled));
        outcome = {};
        session.tasks.spawn(reading_once(*session.stream, outcome));
    }
    pair.settle();
    CHECK(!outcome);
}

Task<void> touch_later(std::map<int, int>& sessions, int id) {
    static_cast<void>(co_await sleep(1ms));
    if (const auto found = sessions.find(id); found != sessions.end()) ++found->second;
}

TEST_CASE("lifetime 5 and 6: look again after a wait; the scope keeps the closure") {
    LoopFixture fixture;
    std::map<int, int> sessions{{1, 0}, {2, 0}};
    int count = 7;
    int seen = 0;
    TaskScope scope(fixture.loop);
    scope.spawn(touch_later(sessions, 1));
    scope.spawn(touch_later(sessions, 2));
    scope.spawn([count, &seen]() -> Task<void> {
        static_cast<void>(co_await sleep(1ms));
        seen = count;
    });
    sessions.erase(1);
    fixture.advance(2ms);
    CHECK(sessions.at(2) == 1);
    CHECK(seen == 7);
}

Task<void> greet(Stream& stream, std::string name) {
    static_cast<void>(co_await stream.write("hello ", name));
}

TEST_CASE("lifetime 7: the frame owns what it writes") {
    support::Pair<support::Memory> pair;
    const std::string user = "somebody with a long name";
    TaskScope scope(pair.loop);
    scope.spawn(greet(*pair.near, user + "!"));
    CHECK(pair.run(support::reading(*pair.far)).value().text() == "hello " + user + "!");
}

TEST_CASE("lifetime 8: a kept chunk crosses threads") {
    support::Pair<support::Memory> pair;
    REQUIRE(pair.run(support::writing(*pair.far, "kept")));
    Chunk chunk = pair.run(support::reading(*pair.near)).value();
    std::size_t size = 0;
    chunk.keep();
    std::thread worker([chunk = std::move(chunk), &size] { size = chunk.size(); });
    worker.join();
    CHECK(size == 4);
}

Task<void> count_naps(int& seen) {
    while (const auto slept = co_await sleep(1ms)) ++seen;
}

TEST_CASE("lifetime 9: an await whose result has a name is resumed") {
    LoopFixture fixture;
    int seen = 0;
    TaskScope scope(fixture.loop);
    scope.spawn(count_naps(seen));
    for (int i = 0; i < 3; ++i) fixture.advance(2ms);
    CHECK(seen == 3);
}

} // namespace
} // namespace tidemill
