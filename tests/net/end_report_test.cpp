// What a stream reports of its end, for each way in which a peer can leave, over TCP and over TLS.
#include "core/loop_core.hpp"
#include "support/forwarding_sockets.hpp"
#include "support/os.hpp"
#include "support/stream_pairs.hpp"
#include "tls/tls_pairs.hpp"

namespace tidemill {
namespace {

using namespace support;

// Where the library would reset, the descriptor is just closed: the kernel does with unread input
// what it does for any other program.
class PlainClose final : public ForwardingSockets {
public:
    void close_with_reset(NativeSocket socket) noexcept override {
        is_plain ? close(socket) : ForwardingSockets::close_with_reset(socket);
    }
    bool is_plain = false;
};

struct SocketsFirst {
    PlainClose sockets;
};

// Two ends, and the TCP streams below them, which are the same without TLS.
struct World : SocketsFirst, LoopFixture {
    explicit World(bool with_tls)
        : LoopFixture({}, [&](const LoopOptions& options) {
              detail::Seams seams;
              seams.sockets = &sockets;
              return std::make_unique<detail::LoopCore>(options, std::move(seams));
          }) {
        auto [near_end, far_end] = Tcp::connect(*this);
        near_tcp = near_end.get();
        far_tcp = far_end.get();
        if (!with_tls) {
            near = std::move(near_end);
            far = std::move(far_end);
            return;
        }
        auto client =
            std::make_unique<TlsStream>(std::move(near_end), client_context(), "localhost");
        auto server = std::make_unique<TlsStream>(std::move(far_end), server_context());
        Pending<Result<void>> answering(loop, shaking_hands(*server));
        REQUIRE(run(shaking_hands(*client)));
        REQUIRE(turn_until([&] { return answering.is_done(); }));
        near = std::move(client);
        far = std::move(server);
    }
    void far_says(std::string_view text) {
        REQUIRE(run(writing(*far, Bytes(text))));
        settle();
    }

    TcpStream* near_tcp;
    TcpStream* far_tcp;
    std::unique_ptr<Stream> near;
    std::unique_ptr<Stream> far;
};

// What the side under test does meanwhile.
using Deed = void (*)(World&);

void read_to_the_end(World& world) { static_cast<void>(world.run(reading_all(*world.near))); }

void read_for_a_second(World& world) {
    Pending<Result<Chunk>> read(world.loop, reading(*world.near, within(1s)));
    world.settle();
    world.advance(1s);
    world.advance(5ms);
    REQUIRE(world.turn_until([&] { return read.is_done(); }));
}

void write_until_it_fails(World& world) {
    for (int i = 0; i < 100; ++i) {
        if (!world.run(writing(*world.near, "x"))) return;
        world.settle();
    }
    FAIL("the peer's reset was not noticed");
}

void end_by_transport(World& world) { REQUIRE(world.run(shutting(*world.far_tcp))); }

void reset_while_writing(World& world) {
    const std::string much = pattern(more_than_fits);
    Pending<Result<void>> write(world.loop, writing(*world.near, much));
    world.settle();
    REQUIRE(!write.is_done());
    world.far_tcp->abort();
    REQUIRE(world.turn_until([&] { return write.is_done(); }));
}

void stall_while_writing(World& world) {
    const std::string much = pattern(more_than_fits);
    Pending<Result<void>> write(world.loop, writing(*world.near, much, within(1s)));
    world.settle();
    world.advance(1s);
    world.advance(5ms);
    REQUIRE(world.turn_until([&] { return write.is_done(); }));
}

void close_with_unread_input(World& world) {
    REQUIRE(world.run(writing(*world.near, "unread")));
    world.settle();
    world.sockets.is_plain = true;
    world.far_tcp->abort();
    world.sockets.is_plain = false;
}

void answer_garbage_with_an_alert(World& world) {
    const std::string garbage(64, 'x');
    REQUIRE(world.run(writing(*world.near_tcp, garbage)));
    static_cast<void>(world.run(reading(*world.far)));
    world.settle();
}

void leave_a_wait(World& world) {
    Pending<Result<Chunk>> read(world.loop, reading(*world.near));
    world.settle();
    world.near->cancel();
    REQUIRE(world.turn_until([&] { return read.is_done(); }));
}

struct Case {
    const char* name;
    Deed leave; ///< what the peer does
    Deed meet;  ///< and what we do then
    EndKind over_tcp;
    EndKind over_tls;
    StreamPhase phase;
    std::uint64_t received;
    bool is_for_tls_only = false;
};

constexpr Deed nothing = [](World&) {};

const Case cases[] = {
    {"an announced end", [](World& world) { world.far->close(); }, read_to_the_end,
     EndKind::orderly, EndKind::orderly, StreamPhase::half_closed, 0},
    {"a FIN without more", end_by_transport, read_to_the_end, EndKind::orderly, EndKind::truncated,
     StreamPhase::half_closed, 0},
    {"a FIN after half a frame",
     [](World& world) {
         world.far_says("half");
         end_by_transport(world);
     },
     read_to_the_end, EndKind::orderly, EndKind::truncated, StreamPhase::half_closed, 4},
    {"a reset", [](World& world) { world.far_tcp->abort(); }, read_to_the_end, EndKind::reset,
     EndKind::reset, StreamPhase::open, 0},
    {"a FIN, and a reset for our answer",
     [](World& world) {
         end_by_transport(world);
         read_to_the_end(world);
         world.far_tcp->abort();
     },
     write_until_it_fails, EndKind::reset, EndKind::truncated, StreamPhase::half_closed, 0},
    {"silence", nothing, read_for_a_second, EndKind::timed_out, EndKind::timed_out,
     StreamPhase::open, 0},
    {"a reset while we write", reset_while_writing, nothing, EndKind::reset, EndKind::reset,
     StreamPhase::open, 0},
    {"a peer that does not read", stall_while_writing, nothing, EndKind::torn, EndKind::torn,
     StreamPhase::open, 0},
    {"a close with unread input", close_with_unread_input, read_to_the_end, EndKind::reset,
     EndKind::reset, StreamPhase::open, 0},
    {"a fatal alert", answer_garbage_with_an_alert, read_to_the_end, EndKind::failed,
     EndKind::failed, StreamPhase::open, 0, true},
    {"a wait of ours that was cancelled", leave_a_wait, nothing, EndKind::cancelled,
     EndKind::cancelled, StreamPhase::open, 0},
    {"nothing yet", nothing, nothing, EndKind::open, EndKind::open, StreamPhase::open, 0},
};

template <class Value> std::string word(Value value) { return name_of(value); }

void check_line(const EndReport& report) {
    const std::string line = report.to_string();
    CAPTURE(line);
    CHECK(line.starts_with(name_of(report.kind)));
    CHECK(line.find('\n') == std::string::npos);
    if (report.error) CHECK(line.ends_with(report.error->message()));
}

void check_case(const Case& c, bool with_tls) {
    World world(with_tls);
    const Endpoint peer = or_throw(world.near_tcp->peer_endpoint());
    c.leave(world);
    world.settle();
    c.meet(world);
    const EndKind kind = with_tls ? c.over_tls : c.over_tcp;
    StreamPhase phase = c.phase;
    if (with_tls && kind == EndKind::truncated) phase = StreamPhase::open; // FIN is no end of TLS
    EndReport report = world.near->end_report();
    check_line(report);
    CHECK(word(report.kind) == word(kind));
    CHECK(word(report.phase) == word(phase));
    const bool is_forgotten = support::os_facts().reset_hides_peer && !report.peer;
    CHECK((report.peer == peer || is_forgotten));
    CHECK(report.bytes_received == c.received);
    CHECK(report.bytes_sent == world.near->bytes_sent());
    CHECK(report.error.has_value() == (kind != EndKind::orderly && kind != EndKind::open));
    CHECK(report.tls.has_value() == with_tls);

    world.near->close(); // which changes nothing, but where there was nothing
    report = world.near->end_report();
    CHECK(word(report.kind) == word(kind == EndKind::open ? EndKind::closed_locally : kind));
    CHECK(word(report.phase) == word(phase));
}

TEST_CASE("a report tells each way in which a peer can leave a TCP stream") {
    for (const Case& c : cases) {
        if (c.is_for_tls_only) continue;
        SUBCASE(c.name) { check_case(c, false); }
    }
}

TEST_CASE("a report tells each way in which a peer can leave a TLS stream") {
    for (const Case& c : cases) SUBCASE(c.name) {
            check_case(c, true);
        }
}

TEST_CASE("a report is one line") {
    EndReport report;
    report.kind = EndKind::reset;
    report.phase = StreamPhase::half_closed;
    report.bytes_received = 12;
    report.bytes_sent = 7;
    report.peer = or_throw(Endpoint::parse("[::1]:4000"));
    report.error = Error(std::errc::connection_reset);
    CHECK(report.to_string() == "reset while half closed, peer [::1]:4000, 12 bytes in, 7 out: "
                                "Connection reset by peer");
    report.tls = {7, 5, 90, 31};
    report.peer.reset();
    report.error.reset();
    CHECK(report.to_string() == "reset while half closed, peer unknown, 12 bytes in, 7 out "
                                "(TLS: 5 encrypted, records of 90 bytes sent and 31 not)");
}

TEST_CASE("a report of TLS names the alert, and tells accepted, encrypted and sent apart") {
    World world(true);
    answer_garbage_with_an_alert(world);
    read_to_the_end(world);
    EndReport report = world.near->end_report();
    REQUIRE(report.error);
    CHECK(report.error->message().find("alert") != std::string::npos);

    World stalled(true);
    stall_while_writing(stalled);
    report = stalled.near->end_report();
    CHECK(report.tls->accepted == report.bytes_sent);
    CHECK(report.tls->accepted > 0);
    CHECK(report.tls->encrypted <= report.tls->accepted);
    CHECK(report.tls->sent == stalled.near_tcp->bytes_sent());
    CHECK(report.tls->sent + report.tls->unsent > report.tls->encrypted);
    CHECK(report.tls->unsent > 0);
}

// What of a handshake that never was complete.
TEST_CASE("a report of a handshake that was cut or refused says so") {
    for (const bool is_refused : {false, true}) {
        CAPTURE(is_refused);
        LoopFixture fixture;
        auto [near, far] = Tcp::connect(fixture);
        TlsStream client(*near, client_context(), is_refused ? "another.name" : "localhost");
        TlsStream server(*far, server_context());
        Pending<Result<void>> answering(fixture.loop, shaking_hands(server));
        if (!is_refused) far->abort();
        const auto shaken = fixture.run(shaking_hands(client));
        REQUIRE(!shaken);
        const EndReport report = client.end_report();
        CHECK(report.phase == StreamPhase::handshake);
        CHECK(word(report.kind) == word(is_refused ? EndKind::failed : EndKind::reset));
        CHECK(report.error->message() == shaken.error().message());
        check_line(report);
    }
}

TEST_CASE("a graceful close reports whether the peer has answered it") {
    for (const bool answers : {true, false}) {
        CAPTURE(answers);
        World world(false);
        Pending<Result<void>> close(world.loop, closing(*world.near, within(1s)));
        world.settle();
        CHECK(world.near->end_report().phase == StreamPhase::closing);
        if (answers) world.far->close();
        world.settle();
        world.advance(2s);
        REQUIRE(world.turn_until([&] { return close.is_done(); }));
        const EndReport report = world.near->end_report();
        CHECK(word(report.kind) == word(answers ? EndKind::orderly : EndKind::timed_out));
        CHECK(report.phase == StreamPhase::closing);
    }
}

} // namespace
} // namespace tidemill
