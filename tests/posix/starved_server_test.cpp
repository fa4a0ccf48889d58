// A server whose process really runs out of descriptors (`ulimit -n`), with more clients than it
// can take at a time; they are a process of their own.
#include "core/loop_core.hpp"
#include "support/echo_service.hpp"
#include "support/forwarding_sockets.hpp"
#include "support/stream_pairs.hpp"
#include <sys/resource.h>
#include <sys/wait.h>
#include <tidemill/net/server.hpp>
#include <unistd.h>
#include <vector>

namespace tidemill {
namespace {

using namespace support;

constexpr int clients_in_all = 40;
constexpr rlim_t clients_at_a_time = 5;

class CountedSockets final : public ForwardingSockets {
public:
    detail::SocketResult accept(NativeSocket listener, Endpoint* peer) override {
        ++accepts;
        return ForwardingSockets::accept(listener, peer);
    }
    int accepts = 0;
};

struct SocketsFirst {
    CountedSockets sockets;
};

struct World : SocketsFirst, LoopFixture {
    World()
        : LoopFixture({}, [&](const LoopOptions& options) {
              detail::Seams seams;
              seams.sockets = &sockets;
              return std::make_unique<detail::LoopCore>(options, std::move(seams));
          }) {}
};

/// Leaves the process as many free descriptors; puts the limit back at the end.
class FewDescriptors {
public:
    explicit FewDescriptors(rlim_t free) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int lowest_free = ::dup(0);
        ::close(lowest_free);
        rlimit few = before_;
        few.rlim_cur = static_cast<rlim_t>(lowest_free) + free;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

Task<bool> talk(TcpStream& stream) {
    const auto sent = co_await stream.write("x");
    if (!sent) co_return false;
    const auto answer = co_await stream.read(within(5s));
    co_return answer && answer->text() == "x";
}

// All connect first; then each has its word, which makes room for another.
Task<bool> talk_in_turn(EventLoop& loop, Endpoint server) {
    std::vector<TcpStream> streams;
    for (int i = 0; i < clients_in_all; ++i)
        streams.push_back(or_throw(co_await TcpStream::connect(loop, server, within(5s))));
    for (TcpStream& stream : streams) {
        const bool is_answered = co_await talk(stream);
        if (!is_answered) co_return false;
        stream.abort();
    }
    co_return true;
}

pid_t start_clients(const Endpoint& server) {
    const pid_t process = ::fork();
    if (process != 0) return process;
    try {
        EventLoop loop;
        ::_exit(loop.run(talk_in_turn(loop, server)) ? 0 : 1);
    } catch (...) {
        ::_exit(2);
    }
}

int lines_told = 0;
void count_line(std::string_view) noexcept { ++lines_told; }

TEST_CASE("a server without descriptors serves all in their turn, and asks for each but once") {
    World world;
    ServerOptions options;
    lines_told = 0;
    options.log = &count_line;
    Server server = or_throw(Server::listen(world.loop, "127.0.0.1:0", options));
    server.serve(echo);
    const pid_t clients = start_clients(server.endpoint());
    const FewDescriptors few(clients_at_a_time);
    int status = -1;
    REQUIRE(world.turn_until([&] {
        world.advance(1ms);
        return ::waitpid(clients, &status, WNOHANG) == clients;
    }));
    CHECK(status == 0); // every one was answered: none was reset, none was left hanging
    CHECK(server.counters().accepted == clients_in_all);
    CHECK(server.counters().refused == 0);
    const std::uint64_t pauses = world.loop.counters().accept_pauses;
    CHECK(pauses > 0);
    CHECK(lines_told == 1); // it is one shortage, however often somebody is served meanwhile
    // One for each client, one that finds nothing in each event, and one for each pause.
    CHECK(static_cast<std::uint64_t>(world.sockets.accepts) <= 2 * clients_in_all + pauses + 1);
}

} // namespace
} // namespace tidemill
