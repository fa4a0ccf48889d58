// Death tests: code that must abort runs in a child process.
//
//     DIES_WITH("only one read at a time", [&] { start_a_second_read(); });
//
// The child has everything that the test built, but only the calling thread: what it needs from
// other threads, it must start itself. Where there is no fork(), it comes to this point by running
// the test case again from its start.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>

namespace tidemill::support {

struct Death {
    bool aborted = false; ///< ended by abort(), and not by returning or in another way
    std::string output;   ///< what the child wrote on standard error
};

/// Runs `callable` in a child process and waits for its end. The child is killed after ten seconds.
[[nodiscard]] Death death_of(const std::function<void()>& callable);

} // namespace tidemill::support

/// Checks that the callable (the remaining arguments) aborts and that its last words hold `text`.
#define DIES_WITH(text, ...)                                                                       \
    do {                                                                                           \
        const auto tidemill_death = ::tidemill::support::death_of(__VA_ARGS__);                    \
        INFO("standard error of the child: ", tidemill_death.output);                              \
        CHECK(tidemill_death.aborted);                                                             \
        CHECK(tidemill_death.output.find(text) != std::string::npos);                              \
    } while (false)
