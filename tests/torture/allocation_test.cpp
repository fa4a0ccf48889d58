// Each allocation of a connection's life fails once, as Seastar tests it.
//
// std::bad_alloc may leave the call that asked, or run(); it may cost the connection. It must not
// end the process, leak a descriptor, or leave a loop behind that does not serve.
#include "support/allocations.hpp"
#include "support/echo_service.hpp"
#include "support/os.hpp"

#include <doctest/doctest.h>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/task_scope.hpp>
#include <tidemill/net/server.hpp>

namespace tidemill {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t most_allocations = 2'000;

Task<void> ask(EventLoop& loop, Endpoint server, bool& is_answered) {
    auto stream = co_await TcpStream::connect(loop, server, within(5s));
    if (!stream) co_return;
    constexpr std::string_view question = "are you there?";
    if (const auto sent = co_await stream->write(question); !sent) co_return;
    const auto answer = co_await stream->read(within(5s));
    is_answered = answer && answer->text() == question;
    static_cast<void>(co_await stream->close_gracefully(within(5s)));
}

void turn_until_quiet(EventLoop& loop, const TaskScope& asking, const Server& server) {
    for (int quiet = 0; quiet < 3;) {
        loop.run_once(1ms);
        quiet = asking.empty() && server.counters().active == 0 ? quiet + 1 : 0;
    }
}

/// A connection that is accepted, asks, is answered and closes.
bool live(EventLoop& loop) {
    bool is_answered = false;
    auto server = Server::listen(loop, "127.0.0.1:0");
    if (!server) return false;
    server->serve(echo);
    TaskScope asking(loop);
    asking.spawn(ask(loop, server->endpoint(), is_answered));
    turn_until_quiet(loop, asking, *server);
    return is_answered;
}

struct Outcome {
    bool has_struck = false;
    bool is_closed = true; ///< the loop knows of no socket any more
    bool serves_on = true;
};

// The loop is made while the allocation may fail, too; if it was not, there is no more to see.
Outcome live_and_fail(std::uint64_t ordinal) {
    Outcome outcome;
    std::optional<EventLoop> loop;
    {
        const support::FailingAllocation failing(ordinal);
        try {
            loop.emplace();
            static_cast<void>(live(*loop));
        } catch (const std::bad_alloc&) {
        } catch (const std::system_error&) { // a selector that cannot be made
        }
        outcome.has_struck = failing.has_struck();
    }
    if (!loop) return outcome;
    for (int i = 0; i < 200 && loop->counters().open_sockets > 0; ++i) loop->run_once(1ms);
    outcome.is_closed = loop->counters().open_sockets == 0;
    outcome.serves_on = live(*loop);
    return outcome;
}

// On a thread of its own, whose pools are empty: so everything is allocated anew.
bool survives(std::uint64_t ordinal) {
    const std::size_t descriptors = support::open_descriptors();
    Outcome outcome;
    std::thread([&] { outcome = live_and_fail(ordinal); }).join();
    INFO("allocation ", ordinal);
    CHECK(outcome.is_closed);
    CHECK(outcome.serves_on);
    CHECK(support::open_descriptors() == descriptors);
    return outcome.has_struck;
}

} // namespace

TEST_CASE("each allocation of a connection's life may fail") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    static_cast<void>(live_and_fail(0)); // libuv keeps descriptors for the process
    std::uint64_t ordinal = 1;
    while (ordinal < most_allocations && survives(ordinal)) ++ordinal;
    MESSAGE("allocations that failed: ", ordinal - 1);
    CHECK(ordinal > 10);
    CHECK(ordinal < most_allocations);
}

} // namespace tidemill
