// Batches: what goes in comes out, in order, whatever the kernel puts together or cuts apart.
#include "net/udp_batch_support.hpp"
#include "support/allocations.hpp"

#include <array>

namespace tidemill {

using namespace udp_test;

TEST_CASE("a batch arrives whole and in order, with every accelerator on or off") {
    const Texts sent =
        texts_of({100, 100, 100, 60, 100, 0, 0, 1, 1, 1472, 1472, 7, 9000, 60'000, 3});
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        ReceiveBatch batch;
        TaskScope scope(pair.loop);
        Texts got;
        const auto receive = [&]() -> Task<void> {
            co_await receive_texts(*pair.near, batch, sent.size(), got);
        };
        scope.spawn(receive);
        const SendOutcome outcome = pair.loop.run(send_all(*pair.far, sent, pair.near->endpoint()));
        CHECK(outcome);
        CHECK(outcome.sent == sent.size());
        turn_until(pair.loop, [&] { return got.size() >= sent.size(); });
        CHECK((got == sent));
    }
}

TEST_CASE("each datagram of a batch has its sender, its own address, and is not cut") {
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        ReceiveBatch batch;
        const auto talk = [&]() -> Task<void> {
            const Texts texts(5, "hello");
            CHECK(co_await send_all(*pair.far, texts, pair.near->endpoint()));
            for (std::size_t seen = 0; seen < 5; seen += batch.size()) {
                REQUIRE(co_await pair.near->receive_many(batch, within(ceiling)));
                for (const DatagramView& each : batch) {
                    CHECK(each.sender() == pair.far->endpoint());
                    CHECK(each.header().own_address == IpAddress::loopback_v4());
                    CHECK_FALSE(each.is_truncated());
                }
            }
        };
        pair.loop.run(talk());
    }
}

TEST_CASE("more datagrams than a call takes arrive all, over IPv6 as well") {
    const Texts sent = [] {
        Texts texts;
        for (std::size_t i = 0; i < 2000; ++i) texts.push_back(text_of(50 + i / 150, i));
        return texts;
    }();
    for (const Endpoint& local : {any_port_v4, any_port_v6}) {
        for (const UdpOptions& options : every_way()) {
            CAPTURE(way_of(options));
            Pair pair(local, options);
            ReceiveBatch batch;
            const auto talk = [&]() -> Task<void> {
                for (std::size_t from = 0; from < sent.size(); from += 100) {
                    const auto begin = sent.begin() + static_cast<std::ptrdiff_t>(from);
                    const Texts part(begin, begin + 100);
                    CHECK(co_await send_all(*pair.far, part, pair.near->endpoint()));
                    Texts got;
                    co_await receive_texts(*pair.near, batch, part.size(), got);
                    CHECK((got == part));
                }
            };
            pair.loop.run(talk());
        }
    }
}

TEST_CASE("a datagram that cannot be sent costs no other one, and the outcome names it") {
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        ReceiveBatch batch;
        SendBatch out;
        const Texts texts = texts_of({5, 5, 5, 5, 5, 5});
        const std::string large = text_of(65'508, 0);
        const Endpoint nobody(IpAddress::loopback_v4(), 0);
        const Endpoint to = pair.near->endpoint();
        for (std::size_t i = 0; i < texts.size(); ++i) {
            if (i == 2 || i == 3) REQUIRE(out.add(texts[i], nobody));
            if (i == 5) REQUIRE(out.add(large, to));
            REQUIRE(out.add(texts[i], to));
        }
        const auto talk = [&]() -> Task<void> {
            const SendOutcome outcome = co_await pair.far->send_many(out);
            CHECK_FALSE(outcome);
            CHECK(outcome.sent == 6);
            CHECK(outcome.failed == 3);
            CHECK(outcome.first_failed == 2);
            CHECK(outcome.error);
            Texts got;
            co_await receive_texts(*pair.near, batch, texts.size(), got);
            CHECK((got == texts));
        };
        pair.loop.run(talk());
    }
}

TEST_CASE("what does not fit into a message of a batch is cut and said to be cut") {
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        ReceiveBatch whole;
        ReceiveBatch small(4, 10);
        const Texts first(1, "first");
        const Texts texts = texts_of({10, 11, 11, 9, 11, 0, 10});
        const auto talk = [&]() -> Task<void> {
            CHECK(co_await send_all(*pair.far, first, pair.near->endpoint()));
            Texts got1;
            co_await receive_texts(*pair.near, whole, 1, got1);
            CHECK((got1 == first));
            CHECK(co_await send_all(*pair.far, texts, pair.near->endpoint()));
            std::size_t i = 0;
            while (i < texts.size()) {
                REQUIRE(co_await pair.near->receive_many(small, within(ceiling)));
                for (const DatagramView& each : small) {
                    CHECK(each.text() == texts[i].substr(0, 10));
                    CHECK(each.is_truncated() == (texts[i].size() > 10));
                    ++i;
                }
            }
        };
        pair.loop.run(talk());
    }
}

TEST_CASE("single receives and batches may be mixed") {
    const Texts texts(9, "0123456789");
    const Texts first(1, "first");
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        ReceiveBatch batch;
        std::array<std::byte, 4> memory{};
        const auto talk = [&]() -> Task<void> {
            CHECK(co_await send_all(*pair.far, first, pair.near->endpoint()));
            Texts got1;
            co_await receive_texts(*pair.near, batch, 1, got1);
            CHECK((got1 == first));
            CHECK(co_await send_all(*pair.far, texts, pair.near->endpoint()));
            const auto one = co_await pair.near->receive(within(ceiling));
            REQUIRE(one);
            CHECK(one->payload.text() == texts[0]);
            CHECK(one->sender == pair.far->endpoint());
            const auto part = co_await pair.near->receive(memory, within(ceiling));
            REQUIRE(part);
            CHECK(part->bytes == 4);
            CHECK(part->is_truncated);
            Texts got7;
            co_await receive_texts(*pair.near, batch, 7, got7);
            CHECK((got7 == Texts(7, "0123456789")));
        };
        pair.loop.run(talk());
    }
}

TEST_CASE("runs are handed on as they came") {
    const Texts texts = texts_of({100, 100, 100, 60, 0, 7, 7});
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        const auto third = or_throw(UdpSocket::bind(pair.loop, any_port_v4, options));
        ReceiveBatch batch;
        const auto talk = [&]() -> Task<void> {
            CHECK(co_await send_all(*pair.far, texts, pair.near->endpoint()));
            SendBatch out;
            for (std::size_t count = 0; count < texts.size(); count += out.size()) {
                const auto came = co_await pair.near->receive_many(batch, within(ceiling));
                REQUIRE(came);
                out.clear();
                for (std::size_t i = 0; i < batch.run_count(); ++i)
                    REQUIRE(out.add(batch.run(i), third->endpoint()));
                CHECK(out.size() == batch.size());
                CHECK(co_await pair.near->send_many(out));
            }
            Texts got;
            co_await receive_texts(*third, batch, texts.size(), got);
            CHECK((got == texts));
        };
        pair.loop.run(talk());
    }
}

TEST_CASE("a connected socket sends its batches to the peer") {
    for (const UdpOptions& options : every_way()) {
        CAPTURE(way_of(options));
        Pair pair(any_port_v4, options);
        const auto socket = or_throw(UdpSocket::connect(pair.loop, pair.near->endpoint(), options));
        ReceiveBatch batch;
        SendBatch out;
        for (int i = 0; i < 3; ++i) REQUIRE(out.add("to the peer"));
        const auto talk = [&]() -> Task<void> {
            CHECK(co_await socket->send_many(out));
            Texts got3;
            co_await receive_texts(*pair.near, batch, 3, got3);
            CHECK((got3 == Texts(3, "to the peer")));
        };
        pair.loop.run(talk());
    }
}

TEST_CASE("an empty batch is sent at once, and a full one takes no more") {
    Pair pair;
    SendBatch batch(2);
    const auto send = [&]() -> Task<SendOutcome> {
        co_return co_await pair.near->send_many(batch);
    };
    CHECK(pair.loop.run(send()));
    CHECK(batch.add("1", pair.far->endpoint()));
    CHECK(batch.add("2", pair.far->endpoint()));
    CHECK(batch.is_full());
    CHECK_FALSE(batch.add("3", pair.far->endpoint()));
    CHECK(batch.size() == 2);
    batch.clear();
    CHECK(batch.empty());
    CHECK(batch.add("3", pair.far->endpoint()));
}

TEST_CASE("batches cost no allocation once they are warm") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    Pair pair;
    ReceiveBatch in;
    SendBatch out;
    std::uint64_t taken = 0;
    std::size_t received = 0;
    const auto ping = [&]() -> Task<void> {
        const std::string text(100, 'x');
        for (int i = 0; i < 200; ++i) {
            const support::AllocationCount count;
            out.clear();
            for (int k = 0; k < 20; ++k)
                if (!out.add(text, pair.near->endpoint())) co_return;
            const SendOutcome outcome = co_await pair.far->send_many(out);
            for (std::size_t left = outcome.sent; left > 0; left -= in.size()) {
                const auto got = co_await pair.near->receive_many(in, within(ceiling));
                if (!got) co_return;
            }
            received += outcome.sent;
            if (i >= 100) taken += count.taken();
        }
    };
    pair.loop.run(ping());
    CHECK(received == 4000);
    CHECK(taken == 0);
}

} // namespace tidemill
