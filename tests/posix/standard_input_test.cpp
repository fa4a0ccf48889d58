// StandardInput over what only POSIX has: terminals, directories, a descriptor 0 that was closed.
#include "service/input_support.hpp"
#include "support/death.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <tidemill/core/require.hpp>
#include <unistd.h>
#include <utility>

namespace tidemill {

using namespace input_test;

namespace {

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

struct Terminal {
    Terminal() : controller(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(::grantpt(controller.number()) == 0);
        REQUIRE(::unlockpt(controller.number()) == 0);
        user.emplace(::open(::ptsname(controller.number()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }
    Descriptor controller;
    std::optional<Descriptor> user;
};

} // namespace

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
        const support::OsPipe pipe;
        ::dup2(pipe.out(), STDIN_FILENO);
        pipe.write("inherited");
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

TEST_CASE("destruction never hangs on an idle terminal, nor does the loop's") {
    const Terminal terminal;
    check_destruction(terminal.user->number());
}

} // namespace tidemill
