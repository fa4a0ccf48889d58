// How batches leave: together, at the end of the turn, and what becomes of those that cannot.
#include "net/udp_batch_support.hpp"
#include "net/udp_faulty_pair.hpp"
#include "support/forwarding_sockets.hpp"

#include <algorithm>
#include <vector>

namespace tidemill {

using namespace udp_test;

namespace {

// Counts calls, and refuses what the test says.
class WatchedSockets final : public support::ForwardingSockets {
public:
    [[nodiscard]] detail::DatagramFeatures datagram_features() const noexcept override {
        detail::DatagramFeatures features = ForwardingSockets::datagram_features();
        features.cuts_output = features.many_per_call = true;
        return features;
    }
    detail::ManyResult send_many(NativeSocket socket,
                                 std::span<const detail::OutgoingDatagram> messages) override {
        ++calls;
        if (blocks) return {0, std::errc::operation_would_block};
        std::size_t count = 0;
        while (count < messages.size() && messages[count].segment_bytes == 0) ++count;
        if (count == messages.size()) return ForwardingSockets::send_many(socket, messages);
        if (!refuses_runs) return send_runs(socket, messages);
        if (count > 0) return ForwardingSockets::send_many(socket, messages.first(count));
        ++refused_runs;
        return {0, refusal};
    }
    int calls = 0;
    int refused_runs = 0;
    bool blocks = false;
    bool refuses_runs = false;
    std::errc refusal = std::errc::io_error;

private:
    // Where the platform cuts none, they are cut here.
    detail::ManyResult send_runs(NativeSocket socket,
                                 std::span<const detail::OutgoingDatagram> messages) {
        if (real().datagram_features().cuts_output)
            return ForwardingSockets::send_many(socket, messages);
        for (std::size_t i = 0; i < messages.size(); ++i) {
            std::vector<std::byte> bytes;
            for (const Buffer& piece : messages[i].pieces)
                bytes.insert(bytes.end(), piece.begin(), piece.end());
            const std::size_t most = messages[i].segment_bytes;
            const std::size_t step = most == 0 ? std::max<std::size_t>(bytes.size(), 1) : most;
            for (std::size_t at = 0; at == 0 || at < bytes.size(); at += step) {
                const std::size_t size = std::min(step, bytes.size() - at);
                const Buffer segment(bytes.data() + at, size);
                const auto sent = real().send_to(socket, segment, messages[i].to);
                if (sent.error) return {i, sent.error};
            }
        }
        return {messages.size(), {}};
    }
};

using WatchedPair = PairOver<WatchedSockets>;

} // namespace

TEST_CASE("batches of several tasks leave together, at the end of the turn, in their order") {
    WatchedPair pair;
    TaskScope scope(pair.loop);
    int sent = 0;
    const auto send = [&](std::string text) -> Task<void> {
        SendBatch batch;
        REQUIRE(batch.add(text, pair.near->endpoint()));
        CHECK(co_await pair.far->send_many(batch));
        ++sent;
    };
    for (const char* text : {"1", "2", "3"}) scope.spawn(send, std::string(text));
    CHECK(pair.sockets.calls == 0);
    turn(pair.loop);
    CHECK(pair.sockets.calls == 1);
    turn(pair.loop);
    CHECK(sent == 3);
    ReceiveBatch batch;
    Texts got;
    pair.loop.run(receive_texts(*pair.near, batch, 3, got));
    CHECK((got == Texts{"1", "2", "3"}));
}

TEST_CASE("who has sent a batch goes on in the turn in which it left, and nobody else goes twice") {
    WatchedPair pair;
    TaskScope scope(pair.loop);
    bool has_sent = false;
    int rounds = 0;
    const auto send = [&]() -> Task<void> {
        SendBatch batch;
        REQUIRE(batch.add(std::string_view("x"), pair.near->endpoint()));
        static_cast<void>(co_await sleep(0s)); // into the middle of a turn
        CHECK(co_await pair.far->send_many(batch));
        has_sent = true;
    };
    const auto go_round = [&]() -> Task<void> {
        for (;;) {
            static_cast<void>(co_await sleep(0s));
            ++rounds;
        }
    };
    scope.spawn(send);
    scope.spawn(go_round);
    for (int turns = 1; turns <= 3; ++turns) {
        turn(pair.loop);
        CHECK(has_sent);
        CHECK(rounds == turns);
    }
}

TEST_CASE("runs that the system will not cut are sent one by one, with the same outcome") {
    for (const std::errc refusal : {std::errc::io_error, std::errc::invalid_argument}) {
        WatchedPair pair;
        pair.sockets.refuses_runs = true;
        pair.sockets.refusal = refusal;
        const Texts texts = texts_of({40, 40, 40, 8, 40, 40});
        ReceiveBatch batch;
        const auto talk = [&]() -> Task<void> {
            const SendOutcome outcome = co_await send_all(*pair.far, texts, pair.near->endpoint());
            CHECK(outcome.sent == texts.size());
            Texts got;
            co_await receive_texts(*pair.near, batch, texts.size(), got);
            CHECK((got == texts));
        };
        pair.loop.run(talk());
        // What no device can do is tried once; another reason may be the run's own.
        CHECK(pair.sockets.refused_runs == (refusal == std::errc::io_error ? 1 : 2));
        CHECK(pair.far->counters().uncut_runs >= 1);
    }
}

TEST_CASE("a batch that waits for room ends at its deadline, by cancel(), or with its socket") {
    StoppedClock clock;
    WatchedPair pair(&clock);
    pair.sockets.blocks = true;
    const Texts texts(3, "x");
    std::optional<SendOutcome> outcome;
    const auto send = [&](Deadline deadline) -> Task<void> {
        outcome = co_await send_all(*pair.far, texts, pair.near->endpoint(), deadline);
    };
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        outcome.reset();
        TaskScope scope(pair.loop);
        scope.spawn(send, within(10ms));
        turn(pair.loop, 3);
        CHECK_FALSE(outcome.has_value());
        if (way == 0) clock.advance(10ms);
        if (way == 1) pair.far->cancel();
        if (way == 2) pair.far->close();
        turn(pair.loop, 3);
        REQUIRE(outcome.has_value());
        CHECK(outcome->sent == 0);
        CHECK(outcome->failed == 3);
        CHECK(outcome->first_failed == 0);
        CHECK(outcome->error == (way == 0 ? Errc::deadline_expired : Errc::cancelled));
    }
    pair.loop.run(send(within(10ms)));
    CHECK(outcome->error == Errc::closed_locally);
}

TEST_CASE("a batch that waits for room goes on when there is some") {
    WatchedPair pair;
    pair.sockets.blocks = true;
    ReceiveBatch batch;
    std::optional<SendOutcome> outcome;
    TaskScope scope(pair.loop);
    const auto send = [&]() -> Task<void> {
        outcome = co_await send_all(*pair.far, Texts(3, "x"), pair.near->endpoint());
    };
    scope.spawn(send);
    turn(pair.loop, 3);
    CHECK_FALSE(outcome.has_value());
    pair.sockets.blocks = false;
    turn_until(pair.loop, [&] { return outcome.has_value(); });
    CHECK(*outcome);
    Texts got;
    pair.loop.run(receive_texts(*pair.near, batch, 3, got));
    CHECK((got == Texts(3, "x")));
}

} // namespace tidemill
