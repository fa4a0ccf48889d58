// There is no fork: the child is a new process that runs the same case up to the same death test,
// whose callable it then runs and ends. Cases with death tests must come to them in the same order
// each time.
//
// doctest's handlers are taken off in the child: they would report the abort as a failure of the
// test case. One of ours takes their place for abort().
#include "support/death.hpp"
#include "support/current_case.hpp"
#include "win32/windows.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace tidemill::support {
namespace {

// The C runtime would make it 3, which a program may also end itself with.
constexpr DWORD exit_code_of_abort = 97;
constexpr DWORD ceiling_ms = 10'000;

void end_by_abort(int) { ::TerminateProcess(::GetCurrentProcess(), exit_code_of_abort); }

// As alarm() does elsewhere.
DWORD WINAPI end_late_child(void*) {
    ::Sleep(ceiling_ms);
    ::TerminateProcess(::GetCurrentProcess(), 1);
    return 0;
}

[[noreturn]] void run_as_child(const std::function<void()>& callable) {
    for (const int number : {SIGSEGV, SIGILL, SIGFPE, SIGTERM, SIGINT})
        std::signal(number, SIG_DFL);
    std::signal(SIGABRT, end_by_abort);
    const HANDLE timer = ::CreateThread(nullptr, 0, end_late_child, nullptr, 0, nullptr);
    REQUIRE(timer != nullptr);
    callable();
    std::_Exit(0);
}

std::string read_all(HANDLE pipe) {
    std::string text;
    std::array<char, 4096> piece{};
    DWORD count = 0;
    while (::ReadFile(pipe, piece.data(), static_cast<DWORD>(piece.size()), &count, nullptr) !=
               FALSE &&
           count > 0)
        text.append(piece.data(), count);
    return text;
}

/// A handle that closes itself.
struct Handle {
    Handle() noexcept = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { close(); }
    void close() noexcept {
        if (value != nullptr) ::CloseHandle(std::exchange(value, nullptr));
    }
    HANDLE value = nullptr;
};

HANDLE start_child(HANDLE error_output) {
    std::array<wchar_t, 4096> path{};
    REQUIRE(::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())) > 0);
    std::wstring command = L"\"" + std::wstring(path.data()) + L"\"";
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdError = error_output; // and no other
    PROCESS_INFORMATION process{};
    ::SetEnvironmentVariableA(death_case_variable, current_case().name.c_str());
    ::SetEnvironmentVariableA(death_number_variable, std::to_string(current_case().deaths).c_str());
    REQUIRE(::CreateProcessW(path.data(), command.data(), nullptr, nullptr, TRUE, 0, nullptr,
                             nullptr, &startup, &process) != FALSE);
    ::SetEnvironmentVariableA(death_case_variable, nullptr);
    ::CloseHandle(process.hThread);
    return process.hProcess;
}

Death run_child() {
    SECURITY_ATTRIBUTES inherited{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
    Handle out;
    Handle in;
    REQUIRE(::CreatePipe(&out.value, &in.value, &inherited, 0) != FALSE);
    ::SetHandleInformation(out.value, HANDLE_FLAG_INHERIT, 0);
    Handle child;
    child.value = start_child(in.value);
    in.close();
    Death death;
    death.output = read_all(out.value);
    REQUIRE(::WaitForSingleObject(child.value, ceiling_ms) == WAIT_OBJECT_0);
    DWORD code = 0;
    REQUIRE(::GetExitCodeProcess(child.value, &code) != FALSE);
    death.aborted = code == exit_code_of_abort;
    return death;
}

} // namespace

Death death_of(const std::function<void()>& callable) {
    const int number = ++current_case().deaths;
    if (std::getenv(death_case_variable) == nullptr) return run_child();
    const char* const wanted = std::getenv(death_number_variable);
    if (wanted != nullptr && std::atoi(wanted) == number) run_as_child(callable);
    return {true, "the child is on its way to a later death"};
}

} // namespace tidemill::support
