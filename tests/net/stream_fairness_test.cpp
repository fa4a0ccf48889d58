// What a stream may take: of a turn, of the memory for received bytes, of the heap, of its own
// size.
#include "support/allocations.hpp"
#include "support/stream_pairs.hpp"
#include <tidemill/core/timer.hpp>

namespace tidemill {
namespace {

using namespace support;

// The budget of a turn

struct Work {
    std::uint64_t operations = 0;
    std::uint64_t bytes = 0;
};

Task<void> writing_for_ever(Stream& stream, std::string_view text, Work& work) {
    for (;;) {
        if (auto sent = co_await stream.write(text); !sent) co_return;
        ++work.operations;
        work.bytes += text.size();
    }
}

Task<void> reading_for_ever(Stream& stream, std::size_t most_bytes, Work& work) {
    std::vector<std::byte> buffer(most_bytes);
    for (;;) {
        const auto got = co_await stream.read(buffer);
        if (!got) co_return;
        ++work.operations;
        work.bytes += *got;
    }
}

// Turns the loop a hundred times, one millisecond of its clock each, and looks at what was done
// between two runs of a timer that runs every millisecond.
struct Watch {
    Watch(LoopFixture& fixture, Work& work) : fixture_(fixture), work_(work) {}
    void turn() {
        Work seen;
        std::uint64_t runs = 0;
        Timer timer(fixture_.loop, [&] {
            most.operations = std::max(most.operations, work_.operations - seen.operations);
            most.bytes = std::max(most.bytes, work_.bytes - seen.bytes);
            seen = work_;
            ++runs;
            timer.start(1ms);
        });
        seen = work_;
        timer.start(1ms);
        for (int i = 0; i < 100; ++i) fixture_.advance(1ms);
        CHECK(runs >= 99);
        CHECK(work_.operations > 1000);
    }
    Work most;

private:
    LoopFixture& fixture_;
    Work& work_;
};

TEST_CASE_TEMPLATE("a writer to a fast peer does one budget of work in a turn", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Work written;
    Work read;
    TaskScope tasks(pair.loop);
    tasks.spawn(reading_for_ever(*pair.far, 64 * 1024, read));
    tasks.spawn(writing_for_ever(*pair.near, "sixteen bytes...", written));
    Watch watch(pair, written);
    watch.turn();
    CHECK(watch.most.operations <= 32);
}

TEST_CASE_TEMPLATE("a reader of a fast peer does one budget of work in a turn", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    const std::string text = pattern(4096);
    Work written;
    Work read;
    TaskScope tasks(pair.loop);
    tasks.spawn(writing_for_ever(*pair.far, text, written));
    tasks.spawn(reading_for_ever(*pair.near, 16, read));
    Watch watch(pair, read);
    watch.turn();
    CHECK(watch.most.operations <= 33); // the one that had waited is not charged
}

TEST_CASE_TEMPLATE("reading the end of a stream for ever starves nobody", T,
                   TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(shutting(*pair.far)));
    Work read;
    TaskScope tasks(pair.loop);
    tasks.spawn(reading_for_ever(*pair.near, 16, read));
    Watch watch(pair, read);
    watch.turn();
    CHECK(watch.most.operations <= 33);
}

TEST_CASE_TEMPLATE("failing to write for ever starves nobody", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    REQUIRE(pair.run(shutting(*pair.near)));
    Work failed;
    TaskScope tasks(pair.loop);
    tasks.spawn([&]() -> Task<void> {
        for (;;) {
            if (auto sent = co_await pair.near->write("x"); sent) co_return;
            ++failed.operations;
        }
    });
    Watch watch(pair, failed);
    watch.turn();
    CHECK(watch.most.operations <= 32);
}

// A budget that is spent in the middle of reading

Task<void> reading_in_threes(Stream& stream, std::string& heard) {
    for (int i = 0; i < 3; ++i) {
        std::array<std::byte, 3> buffer;
        const auto got = co_await stream.read(buffer);
        if (!got) co_return;
        heard.append(reinterpret_cast<const char*>(buffer.data()), *got);
    }
}

TEST_CASE_TEMPLATE("a task destroyed at the end of its budget takes no bytes along", T,
                   TIDEMILL_EVERY_STREAM) {
    LoopOptions options;
    options.operations_per_turn = 1;
    Pair<T> pair(options);
    std::string heard;
    TaskScope reader(pair.loop);
    reader.spawn(reading_in_threes(*pair.near, heard));
    pair.loop.run_once(0ms);
    Pending<Result<void>> write(pair.loop, writing(*pair.far, "0123456789"));
    for (int i = 0; i < 100 && heard.empty(); ++i) pair.loop.run_once(0ms);
    reader.clear();
    heard += pair.run(reading_exactly(*pair.near, 10 - heard.size()));
    CHECK(heard == "0123456789");
}

// Leases

TEST_CASE_TEMPLATE("a stream over its lease budget is read when leases come back", T,
                   TIDEMILL_EVERY_STREAM) {
    LoopOptions options;
    options.leased_bytes_per_stream = 4096;
    Pair<T> pair(options);
    REQUIRE(pair.run(writing(*pair.far, "first")));
    std::optional<Chunk> held(pair.run(reading(*pair.near)).value());
    REQUIRE(pair.run(writing(*pair.far, "second")));
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    pair.settle();
    CHECK(!read.is_done());
    held.reset();
    REQUIRE(pair.turn_until([&] { return read.is_done(); }));
    CHECK(read->value().text() == "second");
}

TEST_CASE_TEMPLATE("leases that come back reach a reader beside a waiting writer", T,
                   TIDEMILL_EVERY_STREAM) {
    LoopOptions options;
    options.leased_bytes_per_stream = 4096;
    Pair<T> pair(options);
    REQUIRE(pair.run(writing(*pair.far, "first")));
    std::optional<Chunk> held(pair.run(reading(*pair.near)).value());
    REQUIRE(pair.run(writing(*pair.far, "second")));
    const std::string text = pattern(more_than_fits);
    Pending<Result<void>> write(pair.loop, writing(*pair.near, text));
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    pair.settle();
    REQUIRE(!write.is_done());
    CHECK(!read.is_done());
    held.reset();
    REQUIRE(pair.turn_until([&] { return read.is_done(); }));
    CHECK(read->value().text() == "second");
}

TEST_CASE_TEMPLATE("a stream that holds no lease is read with the loop over its budget", T,
                   TIDEMILL_EVERY_STREAM) {
    LoopOptions options;
    options.leased_bytes = 4096;
    Pair<T> pair(options);
    auto other = T::connect(pair);
    REQUIRE(pair.run(writing(*pair.far, "first")));
    REQUIRE(pair.run(writing(*other.second, pattern(10'000))));
    const Chunk held = pair.run(reading(*pair.near)).value();
    const Result<Chunk> page = pair.run(reading(*other.first));
    REQUIRE(page);
    CHECK(page->size() <= 4096);
    CHECK(page->size() > 0);
}

TEST_CASE_TEMPLATE("a stream over its lease budget still reads into the caller's memory", T, Memory,
                   Tcp) {
    LoopOptions options;
    options.leased_bytes_per_stream = 4096;
    Pair<T> pair(options);
    REQUIRE(pair.run(writing(*pair.far, "first")));
    const Chunk held = pair.run(reading(*pair.near)).value();
    REQUIRE(pair.run(writing(*pair.far, "second")));
    CHECK(pair.run(reading_exactly(*pair.near, 6)) == "second");
}

TEST_CASE_TEMPLATE("an idle stream that waits holds no buffer", T, TIDEMILL_EVERY_STREAM) {
    Pair<T> pair;
    Pending<Result<Chunk>> read(pair.loop, reading(*pair.near));
    pair.settle();
    CHECK(pair.loop.counters().leased_bytes == 0);
}

// The heap, and sizes

Task<void> echoing(Stream& stream) {
    for (;;) {
        const auto chunk = co_await stream.read(within(30s));
        if (!chunk || chunk->empty()) co_return;
        if (auto sent = co_await stream.write(*chunk, within(10s)); !sent) co_return;
    }
}

Task<void> asking(Stream& stream, int times, bool& is_done) {
    std::array<std::byte, 64> message{};
    for (int i = 0; i < times; ++i) {
        if (auto sent = co_await stream.write(message); !sent) co_return;
        for (std::size_t got = 0; got < message.size();) {
            const auto bytes = co_await stream.read(std::span(message).subspan(got));
            if (!bytes || *bytes == 0) co_return;
            got += *bytes;
        }
    }
    is_done = true;
}

TEST_CASE_TEMPLATE("an established pair allocates nothing for a message", T,
                   TIDEMILL_EVERY_STREAM) {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    Pair<T> pair;
    TaskScope tasks(pair.loop);
    tasks.spawn(echoing(*pair.far));
    bool is_warm = false;
    tasks.spawn(asking(*pair.near, 10, is_warm));
    REQUIRE(pair.turn_until([&] { return is_warm; }));
    bool is_done = false;
    tasks.spawn(asking(*pair.near, 1000, is_done)); // its frame comes from the pool
    const AllocationCount count;
    REQUIRE(pair.turn_until([&] { return is_done; }));
    CHECK(count.taken() == 0);
}

TEST_CASE("an idle connection and its operations stay small") {
    constexpr std::size_t wide_socket_bytes = sizeof(NativeSocket) > sizeof(int) ? 8 : 0;
    CHECK(sizeof(TcpStream) <= 144 + wide_socket_bytes);
    CHECK(sizeof(ReadOperation) <= 48);
    CHECK(sizeof(ReadIntoOperation) <= 48);
    CHECK(sizeof(WriteOperation) <= 56);
    CHECK(sizeof(ShutdownOperation) <= 32);
    CHECK(sizeof(CloseOperation) <= 40);
}

} // namespace
} // namespace tidemill
