// The main function of every test binary.
//
// doctest alone calls a run green in which nothing was checked: a filter that matches no case, or a
// case whose body was lost. Here such a run fails. Each run also leaves a report for tools/tidy,
// which proves that the tests named in docs/behaviour.md exist and checked something: one line a
// case, `name TAB assertions TAB failures`, in the file that TIDEMILL_TEST_REPORT names.
#define DOCTEST_CONFIG_IMPLEMENT
#include "support/current_case.hpp"
#include "support/skips.hpp"
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using tidemill::support::current_case;

/// The case that this process was started for, if a death test of it did (tests/win32).
const char* death_case() { return std::getenv(tidemill::support::death_case_variable); }

/// A filter for one case: a comma would part it in two.
std::string pattern_of(std::string name) {
    std::replace(name.begin(), name.end(), ',', '?');
    return name;
}

struct Listener : doctest::IReporter {
    explicit Listener(const doctest::ContextOptions&) {}

    void test_run_start() override {
        run_started = true;
        std::cout << std::unitbuf; // so that a crash leaves behind what was said before it
        const char* const path = std::getenv("TIDEMILL_TEST_REPORT");
        if (path != nullptr && death_case() == nullptr) report_.open(path, std::ios::binary);
    }
    void test_case_start(const doctest::TestCaseData& test) override {
        name_ = test.m_name;
        current_case() = {test.m_name, 0, ""};
    }
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        // An exception fails a case without a failed assertion.
        const int failures = stats.testCaseSuccess ? 0 : stats.numAssertsFailedCurrentTest;
        report_ << name_ << '\t' << stats.numAssertsCurrentTest << '\t'
                << std::max(failures, stats.testCaseSuccess ? 0 : 1);
        const std::string& why = current_case().skipped;
        const bool is_skipped = !why.empty() && stats.numAssertsCurrentTest == 0;
        report_ << (is_skipped ? "\tskipped: " + why : "") << '\n' << std::flush;
    }
    void test_run_end(const doctest::TestRunStats& stats) override {
        assertions = stats.numAsserts;
    }

    void report_query(const doctest::QueryData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    // doctest skips whatever a filter leaves out; only what the platform cannot show is told.
    void test_case_skipped(const doctest::TestCaseData& test) override {
        for (const auto& skip : skips)
            if (skip.name == test.m_name)
                report_ << test.m_name << "\t0\t0\tskipped: " << skip.reason << '\n';
    }

    static inline std::vector<tidemill::support::Skip> skips;
    static inline bool run_started = false;
    static inline int assertions = 0;

private:
    std::ofstream report_;
    doctest::String name_;
};

REGISTER_LISTENER("tidemill", 1, Listener);

} // namespace

// A death test expects SIGABRT, and a finding of AddressSanitizer is such a death too. One of
// ThreadSanitizer is not: it holds its own locks then, and doctest's handler would wait for them.
// OpenSSL is not instrumented: it would see what OpenSSL reads and writes through libc, and not the
// atomic flags that order it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "halt_on_error=1"; }
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "called_from_lib:libcrypto.so\ncalled_from_lib:libssl.so\n";
}
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

int main(int argc, char** argv) {
    doctest::Context context(argc, argv);
    if (const char* const name = death_case())
        context.addFilter("test-case", pattern_of(name).c_str());
    Listener::skips = tidemill::support::skips_of_this_run();
    for (const auto& skip : Listener::skips)
        context.addFilter("test-case-exclude", pattern_of(skip.name).c_str());
    const int status = context.run();
    if (!Listener::run_started || Listener::assertions > 0) return status;
    std::fputs("this run made no assertion, so it proves nothing: failed\n", stderr);
    return status != 0 ? status : EXIT_FAILURE;
}
