// Fork, run, and read the last words (POSIX).
//
// doctest's signal handlers are taken off in the child: they would report the abort as a failure of
// the test case and write into the parent's report.
#include "support/death.hpp"

#include <array>
#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidemill::support {
namespace {

[[noreturn]] void run_child(const std::function<void()>& callable, int error_output) {
    for (const int number : {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGTERM, SIGINT})
        std::signal(number, SIG_DFL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::dup2(error_output, STDERR_FILENO);
    ::alarm(10);
    callable();
    ::_exit(0);
}

std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t count = ::read(descriptor, piece.data(), piece.size());
        if (count <= 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

} // namespace

Death death_of(const std::function<void()>& callable) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) run_child(callable, ends[1]);
    ::close(ends[1]);
    Death death;
    death.output = read_all(ends[0]);
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    death.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return death;
}

} // namespace tidemill::support
