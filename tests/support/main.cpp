// The main function of every test binary.
//
// doctest alone calls a run green in which nothing was checked: a filter that matches no case, or a
// case whose body was lost. Here such a run fails. Each run also leaves a report for tools/tidy,
// which proves that the tests named in docs/behaviour.md exist and checked something: one line a
// case, `name TAB assertions TAB failures`, in the file that TIDEMILL_TEST_REPORT names.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace {

struct Listener : doctest::IReporter {
    explicit Listener(const doctest::ContextOptions&) {}

    void test_run_start() override {
        run_started = true;
        if (const char* path = std::getenv("TIDEMILL_TEST_REPORT")) report_.open(path);
    }
    void test_case_start(const doctest::TestCaseData& test) override { name_ = test.m_name; }
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        // An exception fails a case without a failed assertion.
        const int failures = stats.testCaseSuccess ? 0 : stats.numAssertsFailedCurrentTest;
        report_ << name_ << '\t' << stats.numAssertsCurrentTest << '\t'
                << std::max(failures, stats.testCaseSuccess ? 0 : 1) << '\n'
                << std::flush;
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
    void test_case_skipped(const doctest::TestCaseData&) override {}

    static inline bool run_started = false;
    static inline int assertions = 0;

private:
    std::ofstream report_;
    doctest::String name_;
};

REGISTER_LISTENER("tidemill", 1, Listener);

} // namespace

// A death test expects SIGABRT, and a sanitizer's finding is such a death too.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "abort_on_error=1:halt_on_error=1"; }
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

int main(int argc, char** argv) {
    doctest::Context context(argc, argv);
    const int status = context.run();
    if (!Listener::run_started || Listener::assertions > 0) return status;
    std::fputs("this run made no assertion, so it proves nothing: failed\n", stderr);
    return status != 0 ? status : EXIT_FAILURE;
}
