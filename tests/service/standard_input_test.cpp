// StandardInput over files and pipes, and its helper thread at every moment at which it can be told
// to go. Terminals, and what becomes of descriptor 0, stand in tests/posix.
#include "service/input_support.hpp"
#include "support/death.hpp"

#include <array>
#include <optional>
#include <string>
#include <thread>

namespace tidemill {

using namespace input_test;

TEST_CASE("a file is read to its end, which is an empty chunk for ever after") {
    const support::OsFile file(pattern(300'000));
    Fixture fixture(file.handle());
    CHECK((fixture.read_to_end() == pattern(300'000)));
    CHECK(fixture.read()->empty());
}

TEST_CASE("a pipe gives what is written, when it is written, and its end") {
    support::OsPipe pipe;
    Fixture fixture(pipe.out());
    for (const std::string_view text : {"one", "two", "three"}) {
        pipe.write(text);
        CHECK(fixture.read()->text() == text);
    }
    pipe.write("last");
    pipe.close_in();
    CHECK(fixture.read()->text() == "last");
    CHECK(fixture.read()->empty());
    CHECK(fixture.read()->empty());
}

TEST_CASE("a read that waits is woken by bytes that come later") {
    support::OsPipe pipe;
    Fixture fixture(pipe.out());
    std::string got;
    TaskScope scope(fixture.loop);
    const auto read = [&]() -> Task<void> {
        const auto chunk = co_await fixture.input.read();
        got = chunk->text();
        fixture.loop.stop();
    };
    scope.spawn(read);
    fixture.loop.run_once(0s);
    CHECK(got.empty());
    pipe.write("late");
    fixture.loop.run();
    CHECK(got == "late");
}

TEST_CASE("a read that expired loses nothing: the next one has the bytes") {
    support::OsPipe pipe;
    Fixture fixture(pipe.out());
    const auto expired = fixture.read(within(0s));
    REQUIRE_FALSE(expired);
    CHECK(expired.error() == Errc::deadline_expired);
    pipe.write("kept");
    CHECK(fixture.read()->text() == "kept");
}

TEST_CASE("a task that is destroyed while it reads loses nothing") {
    support::OsPipe pipe;
    Fixture fixture(pipe.out());
    {
        TaskScope scope(fixture.loop);
        const auto read = [&]() -> Task<void> { static_cast<void>(co_await fixture.input.read()); };
        scope.spawn(read);
        pipe.write("kept");
    }
    CHECK(fixture.read()->text() == "kept");
}

TEST_CASE("input that nobody asks for stays in the system") {
    support::OsPipe pipe;
    {
        Fixture fixture(pipe.out());
        pipe.write("1");
        CHECK(fixture.read()->text() == "1");
        pipe.write("for a child process");
        for (int i = 0; i < 100; ++i) fixture.loop.run_once(0s);
    }
    std::array<char, 64> rest{};
    CHECK(pipe.read(rest) == 19);
}

TEST_CASE("at most 64 KiB are taken by one read") {
    support::OsPipe pipe;
    Fixture fixture(pipe.out());
    std::thread writer([&] {
        pipe.write(pattern(1'000'000));
        pipe.close_in();
    });
    std::string all;
    for (auto chunk = fixture.read(); chunk && !chunk->empty(); chunk = fixture.read()) {
        CHECK(chunk->size() <= 64 * 1024);
        all += chunk->text();
    }
    writer.join();
    CHECK((all == pattern(1'000'000)));
}

TEST_CASE("cancelling ends the read, and the input can be read on") {
    support::OsPipe pipe;
    Fixture fixture(pipe.out());
    std::optional<Result<Chunk>> result;
    TaskScope scope(fixture.loop);
    const auto read = [&]() -> Task<void> { result = co_await fixture.input.read(); };
    scope.spawn(read);
    fixture.input.cancel();
    CHECK_FALSE(result.has_value());
    fixture.loop.run_once(0s);
    REQUIRE(result.has_value());
    CHECK(result->error() == Errc::cancelled);
    pipe.write("kept");
    CHECK(fixture.read()->text() == "kept");
}

TEST_CASE("destruction never hangs on an idle pipe, nor does the loop's") {
    support::OsPipe pipe;
    check_destruction(pipe.out());
}

TEST_CASE("a second read of standard input at once is misuse") {
    DIES_WITH("read by one task at a time", [] {
        support::OsPipe pipe;
        EventLoop loop;
        StandardInput input(loop, detail::input_handle(pipe.out()));
        TaskScope scope(loop);
        const auto read = [&]() -> Task<void> { static_cast<void>(co_await input.read()); };
        scope.spawn(read);
        scope.spawn(read);
    });
}

} // namespace tidemill
