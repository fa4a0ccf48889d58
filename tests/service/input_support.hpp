// What the tests of StandardInput share.
#pragma once

#include "service/input_handle.hpp"
#include "support/os.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <tidemill/tidemill.hpp>

namespace tidemill::input_test {

using namespace std::chrono_literals;
inline constexpr Duration ceiling = 5s;

struct Fixture {
    explicit Fixture(NativeSocket descriptor) : input(loop, detail::input_handle(descriptor)) {}
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

inline std::string pattern(std::size_t size_bytes) {
    std::string text(size_bytes, '\0');
    for (std::size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    return text;
}

/// Destroys the input, the loop and the reading task while nothing comes: nobody is resumed.
inline void check_destruction(NativeSocket descriptor) {
    for (int victim = 0; victim < 3; ++victim) {
        std::optional<EventLoop> loop(std::in_place);
        std::optional<StandardInput> input(std::in_place, *loop, detail::input_handle(descriptor));
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

} // namespace tidemill::input_test
