// Connected pairs of streams for tests, over each transport, on a loop whose clock the test moves.
#pragma once

#include "manual_clock.hpp"
#include "support/os.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <optional>
#include <string>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/task_scope.hpp>
#include <tidemill/net/tcp_listener.hpp>
#include <tidemill/testing/memory_stream.hpp>

// The transports that the suites of every stream run over. Another binary runs the same suites over
// others, which TIDEMILL_STREAM_HEADER declares.
#ifndef TIDEMILL_EVERY_STREAM
#define TIDEMILL_EVERY_STREAM Memory, Tcp
#endif

namespace tidemill::support {

using namespace std::chrono_literals;

/// A task that a test starts, watches, and may destroy.
template <class T> class Pending {
public:
    Pending(EventLoop& loop, Task<T> task) : scope_(loop) {
        scope_.spawn(keep(std::move(task), result_));
    }
    [[nodiscard]] bool is_done() const noexcept { return result_.has_value(); }
    [[nodiscard]] T& operator*() { return *result_; }
    [[nodiscard]] T* operator->() { return &*result_; }
    void destroy() noexcept { scope_.clear(); }
    void cancel() noexcept { scope_.cancel(); }

private:
    static Task<void> keep(Task<T> task, std::optional<T>& result) {
        result.emplace(co_await std::move(task));
    }
    std::optional<T> result_;
    TaskScope scope_;
};

struct LoopFixture {
    explicit LoopFixture(LoopOptions options = {}) : loop(with_clock(options)) {}
    /// Over what `make` makes of the options: a loop whose seams are chosen by the test.
    template <class MakeCore> LoopFixture(LoopOptions options, MakeCore make)
        : loop(make(with_clock(options))) {}

    /// Turns the loop until `is_done()`, or for five seconds of real time (more under Wine, where a
    /// call that is nothing elsewhere asks another process).
    template <class Condition> [[nodiscard]] bool turn_until(Condition is_done) {
        const auto ceiling = std::chrono::steady_clock::now() + (os_facts().is_wine ? 30s : 5s);
        while (!is_done()) {
            if (std::chrono::steady_clock::now() > ceiling) return false;
            loop.run_once(1ms);
        }
        return true;
    }
    /// Lets the loop do whatever it has to do now.
    void settle() {
        for (int i = 0; i < 4; ++i) loop.run_once(1ms);
    }
    void advance(Duration by) {
        clock.advance(by);
        loop.run_once(0ms);
    }
    template <class T> T run(Task<T> task) {
        Pending<T> pending(loop, std::move(task));
        REQUIRE(turn_until([&] { return pending.is_done(); }));
        return std::move(*pending);
    }

    ManualClock clock;
    EventLoop loop;

private:
    LoopOptions with_clock(LoopOptions options) noexcept {
        options.clock = &clock;
        return options;
    }
};

/// What each direction can hold, about, before a writer suspends; `more_than_fits` is beyond it on
/// every transport, and below what a lingering or closing stream discards.
inline constexpr int small_buffer_bytes = 16 * 1024;
inline constexpr std::size_t more_than_fits = 900 * 1024;

struct Memory {
    using Handle = std::unique_ptr<testing::MemoryStream>;
    static constexpr const char* name = "memory";
    static std::pair<Handle, Handle> connect(LoopFixture& fixture) {
        testing::PairOptions options;
        options.capacity_bytes = small_buffer_bytes;
        return testing::make_stream_pair(fixture.loop, options);
    }
};

struct Tcp {
    using Handle = std::unique_ptr<TcpStream>;
    static constexpr const char* name = "tcp";
    static std::pair<Handle, Handle> connect(LoopFixture& fixture) {
        ListenOptions options;
        options.stream.receive_buffer_bytes = small_buffer_bytes;
        options.stream.send_buffer_bytes = small_buffer_bytes;
        auto listener = TcpListener::listen(fixture.loop, *Endpoint::parse("127.0.0.1:0"), options);
        REQUIRE(listener);
        Pending<Result<TcpStream>> accepted(fixture.loop, accept(**listener));
        Pending<Result<TcpStream>> connected(
            fixture.loop, dial(fixture.loop, (*listener)->endpoint(), options.stream));
        REQUIRE(fixture.turn_until([&] { return accepted.is_done() && connected.is_done(); }));
        REQUIRE(*accepted);
        REQUIRE(*connected);
        return {std::make_unique<TcpStream>(std::move(**connected)),
                std::make_unique<TcpStream>(std::move(**accepted))};
    }

private:
    static Task<Result<TcpStream>> accept(TcpListener& listener) {
        co_return co_await listener.accept();
    }
    static Task<Result<TcpStream>> dial(EventLoop& loop, Endpoint peer, TcpOptions options) {
        co_return co_await TcpStream::connect(loop, peer, Deadline(), options);
    }
};

/// What a writer is told when the peer has ended and then reset the connection.
[[nodiscard]] inline bool is_reset_behind_end(const Error& error) {
    return error == std::errc::broken_pipe ||
           (os_facts().reset_hides_end && error == std::errc::connection_reset);
}

/// Two connected streams and their loop.
template <class Transport> struct Pair : LoopFixture {
    explicit Pair(LoopOptions options = {}) : LoopFixture(options) {
        std::tie(near, far) = Transport::connect(*this);
    }
    typename Transport::Handle near; ///< the one under test
    typename Transport::Handle far;
};

// Operations as tasks

inline Task<Result<Chunk>> reading(Stream& stream, Deadline deadline = {}) {
    co_return co_await stream.read(deadline);
}
inline Task<Result<std::size_t>> reading_into(Stream& stream, std::span<std::byte> into,
                                              Deadline deadline = {}) {
    co_return co_await stream.read(into, deadline);
}
inline Task<Result<void>> writing(Stream& stream, Bytes bytes, Deadline deadline = {}) {
    co_return co_await stream.write(bytes, deadline);
}
inline Task<Result<void>> shutting(Stream& stream) { co_return co_await stream.shutdown_write(); }
inline Task<Result<void>> closing(Stream& stream, Deadline deadline = {}) {
    co_return co_await stream.close_gracefully(deadline);
}
/// Reads up to the orderly end; an error ends the text with its message.
inline Task<std::string> reading_all(Stream& stream) {
    std::string all;
    for (;;) {
        const auto chunk = co_await stream.read();
        if (!chunk) co_return all + "<" + chunk.error().message() + ">";
        if (chunk->empty()) co_return all;
        all += chunk->text();
    }
}
/// Reads exactly `count` bytes; fewer if the stream ends.
inline Task<std::string> reading_exactly(Stream& stream, std::size_t count) {
    std::string all(count, '\0');
    std::size_t filled = 0;
    while (filled < count) {
        const auto rest = std::as_writable_bytes(std::span(all)).subspan(filled);
        const auto got = co_await stream.read(rest);
        if (!got || *got == 0) break;
        filled += *got;
    }
    all.resize(filled);
    co_return all;
}

/// Text in which every displaced, lost or doubled byte shows.
inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (char& c : text) {
        state = state * 1'664'525 + 1'013'904'223;
        c = static_cast<char>(state >> 24);
    }
    return text;
}

} // namespace tidemill::support

TYPE_TO_STRING_AS("Memory", tidemill::support::Memory);
TYPE_TO_STRING_AS("Tcp", tidemill::support::Tcp);

#ifdef TIDEMILL_STREAM_HEADER
#include TIDEMILL_STREAM_HEADER
#endif
