// StandardInput over everything that descriptor 0 may be, and its helper thread at every moment at
// which it can be told to go.
#include "service/input_handle.hpp"
#include "support/death.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <string>
#include <thread>
#include <tidemill/tidemill.hpp>
#include <unistd.h>
#include <utility>

namespace tidemill {
namespace {

using namespace std::chrono_literals;
constexpr Duration ceiling = 5s;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) { REQUIRE(number != -1); }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() { close(); }
    void close() {
        if (number_ != -1) ::close(std::exchange(number_, -1));
    }
    [[nodiscard]] int number() const { return number_; }
    void write(std::string_view text) const {
        REQUIRE(::write(number_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }

private:
    int number_;
};

struct Pipe {
    Pipe() : Pipe(make()) {}
    explicit Pipe(const std::array<int, 2>& ends) : out(ends[0]), in(ends[1]) {}
    static std::array<int, 2> make() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        return ends;
    }
    Descriptor out;
    Descriptor in;
};

struct Terminal {
    Terminal() : controller(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(::grantpt(controller.number()) == 0);
        REQUIRE(::unlockpt(controller.number()) == 0);
        user.emplace(::open(::ptsname(controller.number()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }
    Descriptor controller;
    std::optional<Descriptor> user;
};

struct Fixture {
    explicit Fixture(int descriptor) : input(loop, detail::input_handle(descriptor)) {}
    Result<Chunk> read(Deadline deadline = within(ceiling)) { return loop.run(task(deadline)); }
    Task<Result<Chunk>> task(Deadline deadline) { co_return co_await input.read(deadline); }
    std::string read_to_end() {
        std::string all;
        for (;;) {
            const auto chunk = read();
            REQUIRE(chunk);
            if (chunk->empty()) return all;
            all += chunk->text();
        }
    }

    EventLoop loop;
    StandardInput input;
};

std::string pattern(std::size_t size_bytes) {
    std::string text(size_bytes, '\0');
    for (std::size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    return text;
}

} // namespace

TEST_CASE("a file is read to its end, which is an empty chunk for ever after") {
    std::array name{'/', 't', 'm', 'p', '/', 't', 'i', 'd',
                    'e', 'X', 'X', 'X', 'X', 'X', 'X', '\0'};
    Descriptor file(::mkstemp(name.data()));
    ::unlink(name.data());
    file.write(pattern(300'000));
    REQUIRE(::lseek(file.number(), 0, SEEK_SET) == 0);
    Fixture fixture(file.number());
    CHECK((fixture.read_to_end() == pattern(300'000)));
    CHECK(fixture.read()->empty());
}

TEST_CASE("a pipe gives what is written, when it is written, and its end") {
    Pipe pipe;
    Fixture fixture(pipe.out.number());
    for (const std::string_view text : {"one", "two", "three"}) {
        pipe.in.write(text);
        CHECK(fixture.read()->text() == text);
    }
    pipe.in.write("last");
    pipe.in.close();
    CHECK(fixture.read()->text() == "last");
    CHECK(fixture.read()->empty());
    CHECK(fixture.read()->empty());
}

TEST_CASE("a read that waits is woken by bytes that come later") {
    Pipe pipe;
    Fixture fixture(pipe.out.number());
    std::string got;
    TaskScope scope(fixture.loop);
    const auto read = [&]() -> Task<void> {
        const auto chunk = co_await fixture.input.read();
        got = chunk->text();
        fixture.loop.stop();
    };
    scope.spawn(read);
    fixture.loop.run_once(0s);
    CHECK(got.empty());
    pipe.in.write("late");
    fixture.loop.run();
    CHECK(got == "late");
}

TEST_CASE("a terminal gives a line, and its end") {
    Terminal terminal;
    Fixture fixture(terminal.user->number());
    terminal.controller.write("hello\n");
    CHECK(fixture.read()->text() == "hello\n");
    terminal.controller.write("\x04"); // control-D
    CHECK(fixture.read()->empty());
}

TEST_CASE("a closed standard input is an error, whatever has its number since") {
    // In a child, since the descriptor belongs to the whole process.
    const auto child = support::death_of([] {
        ::close(STDIN_FILENO);
        EventLoop loop; // one of its descriptors is now number 0
        StandardInput input(loop);
        const auto read = [&]() -> Task<Result<Chunk>> {
            co_return co_await input.read(within(ceiling));
        };
        for (int i = 0; i < 2; ++i) {
            const auto chunk = loop.run(read());
            if (chunk || !(chunk.error() == std::errc::bad_file_descriptor)) return;
        }
        TIDEMILL_REQUIRE(false, "both reads told that there is no standard input");
    });
    CHECK(child.output.find("both reads told") != std::string::npos);
}

TEST_CASE("what is inherited as standard input is read") {
    const auto child = support::death_of([] {
        const Pipe pipe;
        ::dup2(pipe.out.number(), STDIN_FILENO);
        pipe.in.write("inherited");
        EventLoop loop;
        StandardInput input(loop);
        const auto read = [&]() -> Task<Result<Chunk>> {
            co_return co_await input.read(within(ceiling));
        };
        const auto chunk = loop.run(read());
        TIDEMILL_REQUIRE(!chunk || chunk->text() != "inherited", "it was read");
    });
    CHECK(child.output.find("it was read") != std::string::npos);
}

TEST_CASE("an error of the system is the answer, again and again") {
    const Descriptor directory(::open("/", O_RDONLY | O_CLOEXEC));
    Fixture fixture(directory.number());
    for (int i = 0; i < 2; ++i) {
        const auto chunk = fixture.read();
        REQUIRE_FALSE(chunk);
        CHECK(chunk.error() == std::errc::is_a_directory);
    }
}

TEST_CASE("a read that expired loses nothing: the next one has the bytes") {
    Pipe pipe;
    Fixture fixture(pipe.out.number());
    const auto expired = fixture.read(within(0s));
    REQUIRE_FALSE(expired);
    CHECK(expired.error() == Errc::deadline_expired);
    pipe.in.write("kept");
    CHECK(fixture.read()->text() == "kept");
}

TEST_CASE("a task that is destroyed while it reads loses nothing") {
    Pipe pipe;
    Fixture fixture(pipe.out.number());
    {
        TaskScope scope(fixture.loop);
        const auto read = [&]() -> Task<void> { static_cast<void>(co_await fixture.input.read()); };
        scope.spawn(read);
        pipe.in.write("kept");
    }
    CHECK(fixture.read()->text() == "kept");
}

TEST_CASE("input that nobody asks for stays in the system") {
    Pipe pipe;
    {
        Fixture fixture(pipe.out.number());
        pipe.in.write("1");
        CHECK(fixture.read()->text() == "1");
        pipe.in.write("for a child process");
        for (int i = 0; i < 100; ++i) fixture.loop.run_once(0s);
    }
    std::array<char, 64> rest{};
    CHECK(::read(pipe.out.number(), rest.data(), rest.size()) == 19);
}

TEST_CASE("at most 64 KiB are taken by one read") {
    Pipe pipe;
    Fixture fixture(pipe.out.number());
    std::thread writer([&] {
        pipe.in.write(pattern(1'000'000));
        pipe.in.close();
    });
    std::string all;
    for (auto chunk = fixture.read(); chunk && !chunk->empty(); chunk = fixture.read()) {
        CHECK(chunk->size() <= 64 * 1024);
        all += chunk->text();
    }
    writer.join();
    CHECK((all == pattern(1'000'000)));
}

TEST_CASE("cancelling ends the read, and the input can be read on") {
    Pipe pipe;
    Fixture fixture(pipe.out.number());
    std::optional<Result<Chunk>> result;
    TaskScope scope(fixture.loop);
    const auto read = [&]() -> Task<void> { result = co_await fixture.input.read(); };
    scope.spawn(read);
    fixture.input.cancel();
    CHECK_FALSE(result.has_value());
    fixture.loop.run_once(0s);
    REQUIRE(result.has_value());
    CHECK(result->error() == Errc::cancelled);
    pipe.in.write("kept");
    CHECK(fixture.read()->text() == "kept");
}

TEST_CASE("destruction never hangs on an idle terminal or pipe, nor does the loop's") {
    Terminal terminal;
    Pipe pipe;
    for (const int descriptor : {terminal.user->number(), pipe.out.number()}) {
        for (int victim = 0; victim < 3; ++victim) {
            std::optional<EventLoop> loop(std::in_place);
            std::optional<StandardInput> input(std::in_place, *loop,
                                               detail::input_handle(descriptor));
            TaskScope scope(*loop);
            int resumptions = 0;
            const auto read = [&]() -> Task<void> {
                static_cast<void>(co_await input->read(within(ceiling)));
                ++resumptions;
            };
            scope.spawn(read);
            if (victim == 0) input.reset();
            if (victim == 1) loop.reset();
            if (victim == 2) scope.clear();
            CHECK(resumptions == 0);
        }
    }
}

TEST_CASE("a second read of standard input at once is misuse") {
    DIES_WITH("read by one task at a time", [] {
        Pipe pipe;
        EventLoop loop;
        StandardInput input(loop, detail::input_handle(pipe.out.number()));
        TaskScope scope(loop);
        const auto read = [&]() -> Task<void> { static_cast<void>(co_await input.read()); };
        scope.spawn(read);
        scope.spawn(read);
    });
}

} // namespace tidemill
