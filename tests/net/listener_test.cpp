// Listeners and servers under shortage, failing accepts and limits.
#include "core/loop_core.hpp"
#include "support/echo_service.hpp"
#include "support/forwarding_sockets.hpp"
#include "support/stream_pairs.hpp"
#include <deque>
#include <tidemill/net/server.hpp>

namespace tidemill {
namespace {

using namespace support;

/// Answers accept() with the errors in `failing`, then with `always`, and else truly.
class ScarceSockets final : public ForwardingSockets {
public:
    detail::SocketResult accept(NativeSocket listener, Endpoint* peer) override {
        ++times_called;
        PackedError error = always;
        if (!failing.empty()) {
            error = failing.front();
            failing.pop_front();
        }
        if (error) return {invalid_socket, error};
        return ForwardingSockets::accept(listener, peer);
    }
    std::deque<std::errc> failing;
    PackedError always;
    int times_called = 0;
};

struct SocketsFirst {
    ScarceSockets sockets;
};

std::vector<std::string> log_lines; // a plain function has nothing else to write to

Task<Result<TcpStream>> dialing(EventLoop& loop, Endpoint to) {
    co_return co_await TcpStream::connect(loop, to);
}
Task<Result<TcpStream>> accepting(TcpListener& listener) { co_return co_await listener.accept(); }

struct World : SocketsFirst, LoopFixture {
    World()
        : LoopFixture({}, [&](const LoopOptions& options) {
              detail::Seams seams;
              seams.sockets = &sockets;
              return std::make_unique<detail::LoopCore>(options, std::move(seams));
          }) {
        log_lines.clear();
    }
    Server serve(ServerOptions options = {}, std::string_view address = "127.0.0.1:0") {
        options.log = [](std::string_view line) noexcept { log_lines.emplace_back(line); };
        Server server = or_throw(Server::listen(loop, address, options));
        server.serve(echo);
        return server;
    }
    TcpStream dial(const Endpoint& to) { return or_throw(run(dialing(loop, to))); }
    bool is_served(TcpStream& client) {
        REQUIRE(run(writing(client, "ping")));
        return run(reading_exactly(client, 4)) == "ping";
    }
};

constexpr std::errc passing[] = {
    std::errc::connection_aborted,  std::errc::protocol_error,
    std::errc::network_down,        std::errc::no_protocol_option,
    std::errc::host_unreachable,    std::errc::operation_not_supported,
    std::errc::network_unreachable, std::errc::operation_not_permitted,
    std::errc::connection_reset,    std::errc::timed_out,
};

TEST_CASE("an error of one connection costs no other one") {
    World world;
    Server server = world.serve();
    for (const std::errc error : passing) {
        CAPTURE(std::make_error_code(error).message());
        world.sockets.failing = {error, error};
        TcpStream client = world.dial(server.endpoint());
        CHECK(world.is_served(client));
        CHECK(world.sockets.failing.empty());
    }
    CHECK(world.loop.counters().accept_errors == 2 * std::size(passing));
    CHECK(world.loop.counters().accept_pauses == 0);
    CHECK(log_lines.empty());
}

TEST_CASE("an error of one connection does not end a task's wait for the next") {
    World world;
    const auto listener =
        or_throw(TcpListener::listen(world.loop, Endpoint(IpAddress::loopback_v4(), 0)));
    world.sockets.failing = {passing, passing + std::size(passing)};
    Pending<Result<TcpStream>> accepted(world.loop, accepting(*listener));
    const TcpStream client = world.dial(listener->endpoint());
    REQUIRE(world.turn_until([&] { return accepted.is_done(); }));
    CHECK(accepted->has_value());
}

constexpr std::errc shortages[] = {std::errc::too_many_files_open,
                                   std::errc::too_many_files_open_in_system,
                                   std::errc::no_buffer_space, std::errc::not_enough_memory};

TEST_CASE("a shortage is one call in 50 ms, one line and a counter, and then all are served") {
    for (const std::errc shortage : shortages) {
        CAPTURE(std::make_error_code(shortage).message());
        World world;
        Server server = world.serve();
        world.sockets.always = shortage;
        std::vector<TcpStream> clients;
        for (int i = 0; i < 5; ++i) clients.push_back(world.dial(server.endpoint()));
        world.settle();
        const std::uint64_t turns_before = world.loop.counters().turns;
        const int calls_before = world.sockets.times_called;
        for (int i = 0; i < 1'000; ++i) world.advance(1ms);
        CHECK(world.sockets.times_called - calls_before <= 20);
        CHECK(world.loop.counters().turns - turns_before == 1'000); // those of this test alone
        CHECK(world.loop.counters().accept_pauses >= 15);
        REQUIRE(log_lines.size() == 1);
        CHECK(log_lines[0].find(server.endpoint().to_string()) != std::string::npos);
        CHECK(log_lines[0].find(std::make_error_code(shortage).message()) != std::string::npos);

        world.sockets.always = {};
        world.advance(60ms);
        for (TcpStream& client : clients) CHECK(world.is_served(client));
        CHECK(server.counters().active == 5);
        world.sockets.failing = {shortage}; // another shortage, another line
        clients.push_back(world.dial(server.endpoint()));
        REQUIRE(world.turn_until([] { return log_lines.size() == 2; }));
    }
}

TEST_CASE("a descriptor that comes free ends the pause at once") {
    World world;
    Server server = world.serve();
    TcpStream first = world.dial(server.endpoint());
    CHECK(world.is_served(first));
    world.sockets.failing = {std::errc::too_many_files_open};
    TcpStream second = world.dial(server.endpoint());
    world.settle();
    CHECK(server.counters().active == 1);
    first.close(); // and so does the handler's end
    REQUIRE(world.turn_until([&] { return server.counters().accepted == 2; }));
    CHECK(world.is_served(second));
}

TEST_CASE("accepts that fail for a lasting reason do not keep the loop busy") {
    World world;
    Server server = world.serve();
    world.sockets.always = std::errc::invalid_argument;
    TcpStream client = world.dial(server.endpoint());
    for (int i = 0; i < 1'000; ++i) world.advance(1ms);
    CHECK(world.sockets.times_called <= 64 * 21);
    CHECK(log_lines.size() == 1);
    world.sockets.always = {};
    world.advance(60ms);
    CHECK(world.is_served(client));
}

// Limits

bool is_ended_in_order(World& world, TcpStream& client) {
    return world.run(reading_all(client)).empty();
}

TEST_CASE("connections beyond the limit in all are closed in order, and counted") {
    World world;
    ServerOptions options;
    options.max_connections = 2;
    Server server = world.serve(options);
    std::vector<TcpStream> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(world.dial(server.endpoint()));
    CHECK(world.is_served(clients[0]));
    CHECK(world.is_served(clients[1]));
    CHECK(is_ended_in_order(world, clients[2]));
    CHECK(is_ended_in_order(world, clients[3]));
    CHECK(server.counters().refused == 2);
    clients[0].close();
    REQUIRE(world.turn_until([&] { return server.counters().active == 1; }));
    TcpStream next = world.dial(server.endpoint());
    CHECK(world.is_served(next));
}

TEST_CASE("a refused connection is closed in order though its client has said something") {
    World world;
    ServerOptions options;
    options.max_connections = 1;
    Server server = world.serve(options);
    TcpStream served = world.dial(server.endpoint());
    TcpStream refused = world.dial(server.endpoint());
    REQUIRE(world.run(writing(refused, "hello, is anybody there?")));
    CHECK(is_ended_in_order(world, refused));
    CHECK(world.is_served(served));
}

TEST_CASE("connections beyond the limit of one address are refused, those of others are not") {
    World world;
    ServerOptions options;
    options.max_connections_per_address = 1;
    Server server = world.serve(options, "[::]:0");
    const std::uint16_t port = server.endpoint().port();
    const Endpoint v4(IpAddress::loopback_v4(), port);
    TcpStream first = world.dial(v4);
    TcpStream second = world.dial(v4);
    TcpStream other = world.dial(or_throw(Endpoint::parse("[::1]:" + std::to_string(port))));
    CHECK(world.is_served(first));
    CHECK(is_ended_in_order(world, second));
    CHECK(world.is_served(other));
    CHECK(server.counters().refused == 1);
    first.close();
    REQUIRE(world.turn_until([&] { return server.counters().active == 1; }));
    TcpStream third = world.dial(v4);
    CHECK(world.is_served(third));
}

// Sockets of others

NativeSocket opened(bool is_listening) {
    detail::Sockets& sockets = detail::native_sockets();
    const Endpoint any(IpAddress::loopback_v4(), 0);
    const detail::SocketResult result = sockets.open(any.address(), detail::SocketKind::stream);
    REQUIRE(!result.error);
    REQUIRE(!sockets.bind(result.socket, any));
    if (is_listening) REQUIRE(!sockets.listen(result.socket, 16));
    return result.socket;
}

TEST_CASE("a listening socket of somebody else is adopted, with its clients in the queue") {
    World world;
    const NativeSocket socket = opened(true);
    const Endpoint endpoint = detail::native_sockets().local_endpoint(socket).endpoint;
    TcpStream early = world.dial(endpoint);
    auto listener = or_throw(TcpListener::adopt(world.loop, socket));
    CHECK(listener->endpoint() == endpoint);
    Server server = Server::over(world.loop, std::move(listener));
    server.serve(echo);
    TcpStream late = world.dial(endpoint);
    CHECK(world.is_served(early));
    CHECK(world.is_served(late));
    int visited = 0;
    server.for_each_connection([&](const TcpStream& each) { visited += each.is_open() ? 1 : 0; });
    CHECK(visited == 2);
}

TEST_CASE("a socket that does not listen is not adopted, and stays its owner's") {
    LoopFixture fixture;
    const NativeSocket socket = opened(false);
    const auto adopted = TcpListener::adopt(fixture.loop, socket);
    REQUIRE(!adopted);
    CHECK(adopted.error() == std::errc::invalid_argument);
    CHECK(!detail::native_sockets().listen(socket, 1)); // it is still open
    detail::native_sockets().close(socket);
}

TEST_CASE("several listeners share a port where the system parts the load") {
    LoopFixture fixture;
    ListenOptions options;
    options.reuse_port = true;
    const Endpoint any(IpAddress::loopback_v4(), 0);
    auto first = TcpListener::listen(fixture.loop, any, options);
    if (!os_facts().has_reuse_port) {
        CHECK(first.error() == std::errc::not_supported);
        return;
    }
    REQUIRE(first);
    const auto second = or_throw(TcpListener::listen(fixture.loop, (*first)->endpoint(), options));
    Pending<Result<TcpStream>> at_first(fixture.loop, accepting(**first));
    Pending<Result<TcpStream>> at_second(fixture.loop, accepting(*second));
    std::vector<TcpStream> clients;
    for (int i = 0; i < 64 && !(at_first.is_done() && at_second.is_done()); ++i)
        clients.push_back(or_throw(fixture.run(dialing(fixture.loop, second->endpoint()))));
    CHECK(at_first.is_done()); // by chance, 1 in 2^63 runs has all on one side
    CHECK(at_second.is_done());
}

} // namespace
} // namespace tidemill
