// A thousand peers that never read, and a server that goes on writing: it is the time without
// progress that ends them, and the memory of the process does not grow meanwhile.
#include "support/stream_pairs.hpp"
#include <cstdlib>
#include <fstream>
#include <tidemill/core/event.hpp>
#include <tidemill/net/server.hpp>
#include <unistd.h>
#include <vector>

namespace tidemill {
namespace {

using namespace support;

// Both ends live in this process, and `select` watches a limited number of them.
int peers_of_this_selector() {
    const char* const selector = std::getenv("TIDEMILL_SELECTOR");
    return selector != nullptr && std::string_view(selector) == "select" ? 450 : 1'000;
}

std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Event* start_writing = nullptr; // a server copies its handler; this is what all of them wait for

Task<void> write_for_ever(Stream& peer) {
    if (auto begun = co_await start_writing->wait(); !begun) co_return;
    const std::string block(64 * 1024, 'x');
    for (;;) {
        const auto sent = co_await peer.write(block);
        if (!sent) co_return;
    }
}

Task<Result<TcpStream>> dialing(EventLoop& loop, Endpoint to, TcpOptions options) {
    co_return co_await TcpStream::connect(loop, to, Deadline(), options);
}

int ended_by_policy = 0;

void count_end(const EndReport& report) noexcept {
    if (report.kind == EndKind::torn || report.kind == EndKind::timed_out) ++ended_by_policy;
}

TEST_CASE("peers that never read cost time without progress, and no memory") {
    const int peers = peers_of_this_selector();
    const SocketLimit room(static_cast<unsigned>(2 * peers + 100));
    REQUIRE(room.is_granted());
    LoopFixture fixture;
    Event begin;
    start_writing = &begin;
    ended_by_policy = 0;
    ServerOptions options;
    options.listen.stream.send_buffer_bytes = small_buffer_bytes; // the kernel's memory, not ours
    options.on_end = &count_end;
    Server server = or_throw(Server::listen(fixture.loop, "127.0.0.1:0", options));
    server.serve(write_for_ever);
    TcpOptions small;
    small.receive_buffer_bytes = small_buffer_bytes;
    std::vector<TcpStream> deaf;
    for (int i = 0; i < peers; ++i)
        deaf.push_back(or_throw(fixture.run(dialing(fixture.loop, server.endpoint(), small))));
    const auto all = static_cast<std::uint64_t>(peers);
    REQUIRE(fixture.turn_until([&] { return server.counters().active == all; }));

    const auto written = [&] { return fixture.loop.counters().bytes_sent; };
    begin.set();
    REQUIRE(fixture.turn_until([&] { return written() > all * small_buffer_bytes; }));
    fixture.settle();
    // What each handler has, its block included, is there from its first write on.
    const std::size_t before = resident_bytes();
    const std::uint64_t written_before = written();
    for (int second = 0; second < 50; ++second) {
        fixture.advance(1s);
        fixture.settle();
    }
    constexpr std::size_t noise_bytes = std::size_t{1} << 20;
    CHECK(resident_bytes() <= before + noise_bytes);
    CHECK(server.counters().active == all);
    CHECK(written() - written_before < all * more_than_fits); // they really do not read

    // The minute begins with the last bytes that the kernel took, which is a while after the first.
    REQUIRE(fixture.turn_until([&] {
        fixture.advance(1s);
        return server.counters().active == 0;
    }));
    CHECK(ended_by_policy == peers);
    CHECK(resident_bytes() <= before + noise_bytes);
    start_writing = nullptr;
}

} // namespace
} // namespace tidemill
