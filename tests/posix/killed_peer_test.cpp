// What a stream reports of a peer whose process is killed: the kernel closes for it, in order as
// far as TCP is concerned, but with a reset if there was input that it had not read.
#include "support/stream_pairs.hpp"
#include "tls/tls_pairs.hpp"
#include <csignal>
#include <sys/wait.h>
#include <tidemill/core/sleep.hpp>
#include <unistd.h>

namespace tidemill {
namespace {

using namespace support;

Task<void> talk(EventLoop& loop, Endpoint server, bool with_tls) {
    auto tcp = or_throw(co_await TcpStream::connect(loop, server));
    std::unique_ptr<TlsStream> tls;
    if (with_tls) tls = std::make_unique<TlsStream>(tcp, client_context(), "localhost");
    Stream& stream = with_tls ? static_cast<Stream&>(*tls) : tcp;
    or_throw(co_await stream.write("half"));
    or_throw(co_await tidemill::sleep(std::chrono::hours(1))); // reads nothing
}

/// A process that connects, writes half a frame, and waits to be killed.
class Peer {
public:
    Peer(const Endpoint& server, bool with_tls) : process_(::fork()) {
        if (process_ != 0) return;
        try {
            EventLoop loop;
            loop.run(talk(loop, server, with_tls));
        } catch (...) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() { kill(); }
    void kill() noexcept {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }

private:
    pid_t process_;
};

Task<Result<TcpStream>> accepting(TcpListener& listener) { co_return co_await listener.accept(); }

void check_killed_peer(bool with_tls, bool leaves_input) {
    CAPTURE(with_tls);
    CAPTURE(leaves_input);
    LoopFixture fixture;
    const Endpoint any(IpAddress::loopback_v4(), 0);
    const auto listener = or_throw(TcpListener::listen(fixture.loop, any));
    Peer peer(listener->endpoint(), with_tls);
    TcpStream tcp = or_throw(fixture.run(accepting(*listener)));
    std::unique_ptr<TlsStream> tls;
    if (with_tls) tls = std::make_unique<TlsStream>(tcp, server_context());
    Stream& stream = with_tls ? static_cast<Stream&>(*tls) : tcp;
    CHECK(fixture.run(reading(stream)).value().text() == "half");
    if (leaves_input) REQUIRE(fixture.run(writing(stream, "unread")));
    fixture.settle();
    peer.kill();
    const std::string rest = fixture.run(reading_all(stream));

    const EndReport report = stream.end_report();
    const std::string line = report.to_string();
    CAPTURE(line);
    CHECK(report.bytes_received == 4);
    CHECK(report.peer.has_value());
    const EndKind without_input = with_tls ? EndKind::truncated : EndKind::orderly;
    CHECK(line.starts_with(name_of(leaves_input ? EndKind::reset : without_input)));
    CHECK(rest.empty() == (report.kind == EndKind::orderly));
}

TEST_CASE("a report of a killed peer over TCP tells an end, or a reset if it left input unread") {
    check_killed_peer(false, false);
    check_killed_peer(false, true);
}

// A client of TLS 1.3 that never reads leaves the server's tickets unread, so a reset is all that
// there can be; what counts is that its end is never orderly.
TEST_CASE("a report of a killed peer over TLS never tells an orderly end") {
    check_killed_peer(true, true);
}

} // namespace
} // namespace tidemill
