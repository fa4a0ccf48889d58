// Channel and RemoteChannel.
#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <tidemill/testing/manual_clock.hpp>
#include <tidemill/tidemill.hpp>
#include <vector>

using namespace tidemill;
using namespace std::chrono_literals;
using testing::ManualClock;

namespace {

using Item = std::unique_ptr<int>; // an item that is lost or doubled shows under the sanitizer

struct Fixture {
    Fixture() : loop(options(clock)), channel(std::in_place, 2), scope(loop) {}
    static LoopOptions options(ManualClock& clock) {
        LoopOptions options;
        options.clock = &clock;
        return options;
    }
    void turn(Duration span = 0ms) {
        clock.advance(span);
        loop.run_once(0ms);
    }
    Task<void> send(int value, Deadline deadline = {}) {
        const Result<void> result = co_await channel->send(std::make_unique<int>(value), deadline);
        sent.push_back(result ? Errc() : code(result.error()));
    }
    Task<void> receive(Deadline deadline = {}) {
        const Result<Item> result = co_await channel->receive(deadline);
        result ? received.push_back(**result) : failed.push_back(code(result.error()));
    }
    static Errc code(const Error& error) { return static_cast<Errc>(error.code().value()); }

    ManualClock clock;
    EventLoop loop;
    std::optional<Channel<Item>> channel;
    std::vector<int> received;
    std::vector<Errc> failed;
    std::vector<Errc> sent;
    TaskScope scope;
};

using Ints = std::vector<int>;
using Codes = std::vector<Errc>;
constexpr Errc ok{};

} // namespace

TEST_CASE_FIXTURE(Fixture, "items arrive in order, and a sender waits while the channel is full") {
    for (const int i : {1, 2, 3, 4}) scope.spawn(send(i));
    CHECK(sent == Codes{ok, ok});
    CHECK(channel->size() == 2);
    for (int i = 0; i < 4; ++i) {
        scope.spawn(receive());
        turn();
    }
    CHECK(received == Ints{1, 2, 3, 4});
    CHECK(sent == Codes{ok, ok, ok, ok});
    CHECK(channel->size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a receiver waits while the channel is empty") {
    scope.spawn(receive());
    scope.spawn(receive());
    turn();
    CHECK(received.empty());
    for (const int i : {1, 2}) scope.spawn(send(i));
    CHECK(received.empty()); // nobody is resumed inside a send
    turn();
    CHECK(received == Ints{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "try_send and try_receive never wait and lose nothing") {
    Item item = std::make_unique<int>(3);
    CHECK(channel->try_send(std::make_unique<int>(1)));
    CHECK(channel->try_send(std::make_unique<int>(2)));
    CHECK_FALSE(channel->try_send(std::move(item)));
    CHECK(item != nullptr);
    CHECK(**channel->try_receive() == 1);
    CHECK(**channel->try_receive() == 2);
    CHECK_FALSE(channel->try_receive());
}

TEST_CASE_FIXTURE(Fixture, "an item promised to a receiver is taken by nobody else") {
    scope.spawn(receive());
    REQUIRE(channel->try_send(std::make_unique<int>(1)));
    CHECK_FALSE(channel->try_receive());
    turn();
    CHECK(received == Ints{1});
}

TEST_CASE_FIXTURE(Fixture,
                  "no item is lost when the receiver that it was promised to is destroyed") {
    TaskScope first(loop);
    first.spawn(receive());
    SUBCASE("and another waits") { scope.spawn(receive()); }
    REQUIRE(channel->try_send(std::make_unique<int>(1)));
    first.clear();
    SUBCASE("and another comes") { scope.spawn(receive()); }
    turn();
    CHECK(received == Ints{1});
}

TEST_CASE_FIXTURE(Fixture, "no item is lost when a receiver times out or is cancelled") {
    scope.spawn(receive(within(5ms)));
    SUBCASE("the deadline") { turn(6ms); }
    SUBCASE("the cancellation") {
        scope.cancel();
        turn();
    }
    CHECK(failed.size() == 1);
    REQUIRE(channel->try_send(std::make_unique<int>(1)));
    scope.spawn(receive());
    CHECK(received == Ints{1});
}

TEST_CASE_FIXTURE(Fixture,
                  "a send that times out or is destroyed queues nothing and blocks nobody") {
    TaskScope other(loop);
    for (const int i : {1, 2}) scope.spawn(send(i));
    scope.spawn(send(3, within(5ms)));
    other.spawn(send(4));
    scope.spawn(send(5));
    SUBCASE("before there is room") { other.clear(); }
    turn(6ms);
    CHECK(sent == Codes{ok, ok, Errc::deadline_expired});
    CHECK(**channel->try_receive() == 1);
    SUBCASE("after it was promised room") { other.clear(); }
    turn();
    CHECK(**channel->try_receive() == 2);
    CHECK(**channel->try_receive() == 5);
    CHECK_FALSE(channel->try_receive());
}

TEST_CASE_FIXTURE(Fixture, "close lets receivers drain the channel and then ends them") {
    for (const int i : {1, 2, 3}) scope.spawn(send(i));
    channel->close();
    CHECK(channel->is_closed());
    turn();
    CHECK(sent == Codes{ok, ok, Errc::channel_closed});
    scope.spawn(send(4));
    CHECK(sent.back() == Errc::channel_closed);
    CHECK_FALSE(channel->try_send(std::make_unique<int>(5)));
    for (int i = 0; i < 3; ++i) scope.spawn(receive());
    CHECK(received == Ints{1, 2});
    CHECK(failed == Codes{Errc::channel_closed});
}

TEST_CASE_FIXTURE(Fixture, "close ends a receiver that waits") {
    scope.spawn(receive());
    channel->close();
    turn();
    CHECK(failed == Codes{Errc::channel_closed});
}

TEST_CASE_FIXTURE(Fixture,
                  "a sender that was promised room queues nothing once the channel closes") {
    for (const int i : {1, 2, 3}) scope.spawn(send(i));
    CHECK(channel->try_receive());
    channel->close();
    turn();
    CHECK(sent == Codes{ok, ok, Errc::channel_closed});
    CHECK(channel->size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "destroying a channel ends all waits as cancelled") {
    SUBCASE("of receivers, one of which was promised an item") {
        scope.spawn(receive());
        scope.spawn(receive());
        REQUIRE(channel->try_send(std::make_unique<int>(1)));
    }
    SUBCASE("of senders, one of which was promised room") {
        for (const int i : {1, 2, 3, 4}) scope.spawn(send(i));
        CHECK(channel->try_receive());
        sent.clear();
    }
    channel.reset();
    turn();
    CHECK(scope.empty());
    const Codes& ended = sent.empty() ? failed : sent;
    CHECK(ended == Codes{Errc::cancelled, Errc::cancelled});
}

TEST_CASE("items sent from other threads arrive, each thread's in order, never more than fit") {
    constexpr int thread_count = 4;
    constexpr int items_per_thread = 2'000;
    constexpr std::size_t capacity = 16;
    struct Parcel {
        std::size_t sender;
        int number;
        Parcel(std::size_t sender_, int number_) : sender(sender_), number(number_) {}
    };
    EventLoop loop;
    RemoteChannel<Parcel> channel(loop, capacity);
    std::vector<std::thread> threads;
    for (std::size_t who = 0; who < thread_count; ++who) {
        threads.emplace_back([who, sender = channel.sender()] {
            for (int i = 0; i < items_per_thread; ++i)
                while (!sender.try_send(Parcel(who, i))) std::this_thread::yield();
        });
    }
    const auto receive_all = [&]() -> Task<int> {
        std::vector<int> next(thread_count);
        int in_order = 0;
        for (int i = 0; i < thread_count * items_per_thread; ++i) {
            const auto parcel = co_await channel.receive();
            if (!parcel) break;
            CHECK(channel.size() < capacity);
            in_order += next[parcel->sender]++ == parcel->number ? 1 : 0;
        }
        co_return in_order;
    };
    CHECK(loop.run(receive_all()) == thread_count * items_per_thread);
    for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a sender learns at once that the channel is full, closed or gone") {
    std::optional<EventLoop> loop(std::in_place);
    std::optional<RemoteChannel<int>> channel(std::in_place, *loop, 2);
    const RemoteSender<int> sender = channel->sender();
    CHECK(sender.try_send(1));
    CHECK(sender.try_send(2));
    CHECK_FALSE(sender.try_send(3));
    loop->run_once(0ms);
    CHECK_FALSE(sender.try_send(3)); // still nobody has received one
    CHECK(channel->try_receive() == 1);
    CHECK(sender.try_send(3));
    SUBCASE("closed") {
        channel->close();
        CHECK_FALSE(sender.try_send(4));
        CHECK(channel->try_receive() == 2);
    }
    SUBCASE("gone") {
        channel.reset();
        CHECK_FALSE(sender.try_send(4));
        loop->run_once(0ms); // what was on its way arrives nowhere
    }
    SUBCASE("the loop is gone") {
        loop.reset();
        CHECK(channel->try_receive() == 2);
        CHECK_FALSE(sender.try_send(4));
    }
}
