// What is known of bytes whose way is cut: a network of the test's own, whose only link goes down.
#include "support/skips.hpp"
#include "support/stream_pairs.hpp"
#include <cstdio>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemill {
namespace {

using namespace support;
using State = Acknowledgement::State;
using Answer = Result<Acknowledgement>;

/// A network namespace for this thread, with nothing but its loopback link; the old one comes back.
class OwnNetwork {
public:
    OwnNetwork() : before_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
        is_mine_ = before_ != -1 && ::unshare(CLONE_NEWNET) == 0 && set_up(true);
    }
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;
    ~OwnNetwork() {
        if (before_ == -1) return;
        ::setns(before_, CLONE_NEWNET);
        ::close(before_);
    }
    [[nodiscard]] bool is_mine() const noexcept { return is_mine_; }
    bool set_up(bool is_up) {
        ifreq link{};
        std::snprintf(static_cast<char*>(link.ifr_name), sizeof link.ifr_name, "lo");
        if (is_up) link.ifr_flags = IFF_UP;
        const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const bool is_done = any != -1 && ::ioctl(any, SIOCSIFFLAGS, &link) == 0;
        if (any != -1) ::close(any);
        return is_done;
    }

private:
    int before_;
    bool is_mine_;
};

constexpr const char* no_namespaces = "a network of one's own is for root";

bool lacks_namespaces() { return !OwnNetwork().is_mine(); }

Task<Answer> acknowledging(Stream& stream, Deadline deadline = {}) {
    co_return co_await stream.acknowledged(deadline);
}

struct Cut : OwnNetwork, Pair<Tcp> {
    Cut() {
        REQUIRE(run(writing(*near, "before")));
        REQUIRE(turn_until([&] { return now().state == State::acknowledged; }));
        REQUIRE(set_up(false));
    }
    Acknowledgement now() { return run(acknowledging(*near, within(0ms))).value(); }
    Acknowledgement await(Pending<Answer>& wait) {
        REQUIRE(turn_until([&] {
            advance(10ms);
            return wait.is_done();
        }));
        return wait->value();
    }
};

TEST_CASE("bytes behind a cut link are outstanding, our end is not counted, and a healed link "
          "brings them") {
    if (lacks_namespaces()) return support::skip_case(no_namespaces);
    Cut pair;
    REQUIRE(pair.run(writing(*pair.near, "12345")));
    CHECK(pair.now().state == State::outstanding);
    CHECK(pair.now().outstanding_bytes == 5);
    REQUIRE(pair.run(shutting(*pair.near)));
    CHECK(pair.now().outstanding_bytes == 5);
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near, Deadline::never()));
    pair.advance(1s);
    CHECK(!wait.is_done());
    REQUIRE(pair.set_up(true));
    CHECK(pair.await(wait).state == State::acknowledged);
}

TEST_CASE("bytes behind a link that stays cut are lost when the system gives up") {
    if (lacks_namespaces()) return support::skip_case(no_namespaces);
    Cut pair;
    TcpOptions options;
    options.user_timeout = 300ms;
    REQUIRE(pair.near->set_options(options));
    REQUIRE(pair.run(writing(*pair.near, "12345")));
    Pending<Answer> wait(pair.loop, acknowledging(*pair.near, Deadline::never()));
    const Acknowledgement answer = pair.await(wait);
    CHECK(answer.state == State::lost);
    CHECK(answer.outstanding_bytes == 5);
    const Result<Chunk> read = pair.run(reading(*pair.near));
    REQUIRE(!read);
    CHECK(read.error() == std::errc::timed_out);
    CHECK(read.error() != Errc::deadline_expired); // the network's, not one of ours
    CHECK(pair.near->end_report().kind == EndKind::timed_out);
}

} // namespace
} // namespace tidemill
