// One deadline for a whole conversation: what it ends, what it is told apart from, what it loses.
#include "support/stream_pairs.hpp"
#include <tidemill/core/with_deadline.hpp>

namespace tidemill {
namespace {

using namespace support;
using Conversation = Task<Result<std::string>>;

// Asks for `rounds` answers of three bytes, each in a write and reads of its own.
Conversation converse(Stream& stream, int rounds) {
    std::string all;
    for (int i = 0; i < rounds; ++i) {
        auto sent = co_await stream.write("?");
        if (!sent) co_return failure(std::move(sent.error()));
        const std::size_t wanted = all.size() + 3;
        while (all.size() < wanted) {
            std::array<std::byte, 1> byte;
            const auto got = co_await stream.read(byte);
            if (!got) co_return failure(got.error());
            if (*got == 0) co_return failure(Errc::end_of_stream);
            all += static_cast<char>(byte[0]);
        }
    }
    co_return all;
}

TEST_CASE_TEMPLATE("a conversation that is done in time gives its result", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(writing(*pair.far, "onetwo")));
    CHECK(pair.run(with_deadline(converse(*pair.near, 2), within(1s))).value() == "onetwo");
    CHECK(pair.run(with_deadline(converse(*pair.near, 0), Deadline::never())).value().empty());
}

TEST_CASE_TEMPLATE("a conversation that takes longer is timed out, whatever it waits for", T,
                   Memory, Tcp) {
    Pair<T> pair;
    Pending<Result<std::string>> late(pair.loop,
                                      with_deadline(converse(*pair.near, 2), within(1s)));
    REQUIRE(pair.run(writing(*pair.far, "one")));
    pair.settle();
    pair.advance(999ms);
    CHECK(!late.is_done());
    pair.advance(2ms);
    REQUIRE(pair.turn_until([&] { return late.is_done(); }));
    REQUIRE(!*late);
    CHECK(late->error() == Errc::deadline_expired);
    CHECK(late->error() == std::errc::timed_out);
}

TEST_CASE_TEMPLATE("a conversation that somebody cancels is cancelled, and not timed out", T,
                   Memory, Tcp) {
    Pair<T> pair;
    Pending<Result<std::string>> left(pair.loop,
                                      with_deadline(converse(*pair.near, 1), within(1s)));
    pair.settle();
    left.cancel();
    REQUIRE(pair.turn_until([&] { return left.is_done(); }));
    REQUIRE(!*left);
    CHECK(left->error() == Errc::cancelled);
    CHECK(left->error() != Errc::deadline_expired);
}

// Cleans up for longer than it takes the limit to hear of a cancellation.
Conversation tidy_up(Stream& stream) {
    const auto first = co_await stream.read();
    static_cast<void>(co_await sleep(10ms));
    if (!first) co_return failure(first.error());
    co_return std::string(first->text());
}

TEST_CASE("a conversation that cleans up is cancelled or timed out by who ended it, all the same") {
    for (const bool is_cancelled : {true, false}) {
        CAPTURE(is_cancelled);
        Pair<Memory> pair;
        Pending<Result<std::string>> late(pair.loop,
                                          with_deadline(tidy_up(*pair.near), within(1s)));
        pair.settle();
        if (is_cancelled) late.cancel();
        pair.advance(1s + 2ms);
        CHECK(!late.is_done());
        pair.advance(12ms);
        REQUIRE(pair.turn_until([&] { return late.is_done(); }));
        REQUIRE(!*late);
        CHECK((late->error() == Errc::cancelled) == is_cancelled);
        CHECK((late->error() == Errc::deadline_expired) == !is_cancelled);
    }
}

TEST_CASE("an error of the conversation stays what it is") {
    Pair<Tcp> pair;
    Pending<Result<std::string>> cut(pair.loop, with_deadline(converse(*pair.near, 1), within(1s)));
    pair.settle();
    pair.far->abort();
    REQUIRE(pair.turn_until([&] { return cut.is_done(); }));
    CHECK(cut->error() == std::errc::connection_reset);
}

TEST_CASE("a deadline of an operation inside counts if it is the earlier one") {
    Pair<Memory> pair;
    pair.near->set_idle_timeout(100ms);
    Pending<Result<std::string>> idle(pair.loop,
                                      with_deadline(converse(*pair.near, 1), within(1s)));
    pair.settle();
    pair.advance(101ms);
    REQUIRE(pair.turn_until([&] { return idle.is_done(); }));
    CHECK(idle->error() == Errc::deadline_expired);
}

Conversation stubborn(Stream& stream) {
    const auto first = co_await stream.read();
    if (first) co_return std::string(first->text());
    co_return "came back all the same"; // a cancelled task that has something to show
}

TEST_CASE("a value that comes with the deadline counts") {
    Pair<Memory> pair;
    Pending<Result<std::string>> late(pair.loop, with_deadline(stubborn(*pair.near), within(1s)));
    pair.settle();
    pair.advance(2s);
    REQUIRE(pair.turn_until([&] { return late.is_done(); }));
    CHECK(late->value() == "came back all the same");
}

// Every step of a reader's way: the deadline passes after each number of bytes and of milliseconds,
// in a read of a chunk or of a part of a frame, and what was not handed out is there afterwards.

// Keeps what it has read where the caller can see it.
Task<Result<void>> collect(Stream& stream, std::string& all, bool by_frames) {
    for (;;) {
        if (by_frames) {
            std::array<std::byte, 7> frame;
            const auto got = co_await stream.read(frame);
            if (!got) co_return failure(got.error());
            if (*got == 0) co_return Result<void>();
            all.append(reinterpret_cast<const char*>(frame.data()), *got);
        } else {
            const auto chunk = co_await stream.read();
            if (!chunk) co_return failure(chunk.error());
            if (chunk->empty()) co_return Result<void>();
            all += chunk->text();
        }
    }
}

template <class T> void check_every_step(bool by_frames) {
    const std::string text = pattern(200);
    for (int step_ms = 0; step_ms < 25; ++step_ms) {
        CAPTURE(step_ms);
        Pair<T> pair;
        std::string all;
        std::size_t sent = 0;
        // In each millisecond of the test some bytes come, none, or many; and each few of them a
        // conversation runs out of time and the next begins.
        for (int round = 0; sent < text.size(); ++round) {
            Pending<Result<void>> part(pair.loop,
                                       with_deadline(collect(*pair.near, all, by_frames),
                                                     within(std::chrono::milliseconds(step_ms))));
            for (int ms = 0; ms <= step_ms + 2; ++ms) {
                const std::size_t more = std::min<std::size_t>(
                    static_cast<std::size_t>((round * 7 + ms * 3) % 11), text.size() - sent);
                if (more > 0)
                    REQUIRE(pair.run(writing(*pair.far, Bytes(text).span().subspan(sent, more))));
                sent += more;
                pair.advance(1ms);
            }
            REQUIRE(pair.turn_until([&] { return part.is_done(); }));
            CHECK(part->error() == Errc::deadline_expired);
        }
        pair.far->close();
        all += pair.run(reading_all(*pair.near));
        CHECK(all == text);
    }
}

TEST_CASE_TEMPLATE("a deadline at every step of reading loses and doubles no byte", T,
                   TIDEMILL_EVERY_STREAM) {
    check_every_step<T>(false);
    check_every_step<T>(true);
}

} // namespace
} // namespace tidemill
