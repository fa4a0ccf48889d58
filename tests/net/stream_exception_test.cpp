// Streams that are made while an exception unwinds around the loop, by destructors that run it.
//
// A stream resets its connection if an exception leaves it, which it knows by more exceptions in
// flight than at its birth. One that a turn of the loop makes takes the loop's count for that, and
// the loop counts anew whenever somebody runs it.
#include "support/stream_pairs.hpp"
#include <exception>
#include <functional>
#include <stdexcept>
#include <tidemill/net/server.hpp>

namespace tidemill {
namespace {

using namespace support;

/// Runs `work` in a destructor, on the way of an exception.
void while_unwinding(const std::function<void()>& work) {
    struct Guard {
        const std::function<void()>& work;
        ~Guard() {
            CHECK(std::uncaught_exceptions() == 1);
            work();
        }
    };
    const auto unwind = [&] {
        const Guard guard{work};
        throw std::runtime_error("what unwinds");
    };
    CHECK_THROWS_WITH(unwind(), "what unwinds");
}

Task<void> send_and_leave(std::unique_ptr<TcpStream> stream) {
    const auto sent = co_await stream->write("all of it");
    CHECK(sent);
}

Task<void> send_and_throw(std::unique_ptr<TcpStream> stream) {
    const auto sent = co_await stream->write("a part");
    CHECK(sent);
    throw std::runtime_error("the other part");
}

Task<Result<TcpStream>> dialing(EventLoop& loop, Endpoint to) {
    co_return co_await TcpStream::connect(loop, to);
}

/// A server whose connections stay open until it goes.
struct Served : LoopFixture {
    Served() {
        server.serve([this](Stream& stream) -> Task<void> {
            ++started;
            static_cast<void>(co_await stream.read());
        });
    }
    TcpStream connect() {
        Result<TcpStream> client = run(dialing(loop, server.endpoint()));
        REQUIRE(client);
        REQUIRE(turn_until([&] { return started == 1; }));
        return std::move(*client);
    }
    int started = 0;
    Server server = or_throw(Server::listen(loop, "127.0.0.1:0"));
};

} // namespace

TEST_CASE("a stream that is accepted while an exception unwinds around the loop ends in order") {
    LoopFixture fixture;
    while_unwinding([&] {
        auto [near, far] = Tcp::connect(fixture); // far is the accepted one
        fixture.loop.run(send_and_leave(std::move(far)));
        CHECK(fixture.run(reading_all(*near)) == "all of it");
    });
}

TEST_CASE("a stream that an exception leaves inside of another's unwinding is reset") {
    LoopFixture fixture;
    while_unwinding([&] {
        auto [near, far] = Tcp::connect(fixture);
        CHECK_THROWS_WITH(fixture.loop.run(send_and_throw(std::move(far))), "the other part");
        CHECK(fixture.run(reading_all(*near)) == "a part<Connection reset by peer>");
    });
}

TEST_CASE("a stream that is accepted after an unwinding, on the same loop, is reset if left") {
    LoopFixture fixture;
    while_unwinding([&] { fixture.settle(); });
    auto [near, far] = Tcp::connect(fixture);
    CHECK_THROWS_WITH(fixture.loop.run(send_and_throw(std::move(far))), "the other part");
    CHECK(fixture.run(reading_all(*near)) == "a part<Connection reset by peer>");
}

TEST_CASE("connections that a server admits while an exception unwinds are stopped in order") {
    Served served;
    while_unwinding([&] {
        TcpStream client = served.connect();
        served.server.stop();
        CHECK(served.run(reading_all(client)).empty());
    });
}

} // namespace tidemill
