#include "torture/runner.hpp"

#include "support/os.hpp"
#include "support/sanitizers.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <iterator>
#include <string_view>

namespace tidemill::torture {

using support::Call;
using support::FaultPlan;

namespace {

/// More waits than these teach nothing new, and their number depends on the system's mood.
constexpr unsigned most_waits = 10;
constexpr int recordings = 3;

std::string name_of_run(const Scenario& scenario, const Failure& failure, unsigned ordinal) {
    return std::string(scenario.name) + ':' + std::string(support::name_of(failure.call)) + ':' +
           std::to_string(ordinal) + ':' + std::string(failure.name);
}

bool is_told(const World& world, detail::PackedError error) {
    return std::find(world.told().begin(), world.told().end(), error.code()) != world.told().end();
}

// The error itself; a reset that comes behind the peer's end is a broken pipe to its stream.
bool is_told_of(const World& world, detail::PackedError error) {
    return is_told(world, error) || (error == detail::PackedError(std::errc::connection_reset) &&
                                     is_told(world, std::errc::broken_pipe));
}

bool is_told_of_reset(const World& world) {
    return is_told(world, std::errc::connection_reset) ||
           is_told(world, std::errc::connection_aborted) || // on Windows
           is_told(world, std::errc::broken_pipe);
}

// What was expected of this failure, beside what holds after every run. Empty: it came true.
std::string objection(const World& world, const Scenario& scenario, const Failure& failure) {
    if (scenario.closes_unheard && (is_told_of_reset(world) || is_told(world, Errc::truncated)))
        return "";
    const bool is_reset_behind_end = scenario.lingers && failure.call == Call::watch_modify &&
                                     support::os_facts().reset_hides_end;
    if (is_reset_behind_end && is_told_of_reset(world)) return "";
    const bool is_unharmed = world.told().empty() && !world.is_incomplete();
    const bool is_told = is_told_of(world, failure.error);
    const bool is_optional =
        scenario.has_optional_options && failure.call == support::Call::set_option;
    if (is_optional && is_unharmed) return "";
    switch (failure.expect) {
    case Expect::nothing: return is_unharmed ? "" : "it did harm";
    case Expect::told: return is_told ? "" : "nobody was told this error";
    case Expect::told_or_nothing:
        return is_unharmed || is_told ? "" : "it did harm, and nobody was told this error";
    case Expect::told_or_reset:
        if (is_unharmed || is_told || is_told_of_reset(world)) return "";
        return "it did harm, and nobody was told this error, nor the peer of a reset";
    }
    return "unknown expectation";
}

void judge(World& world, const Scenario& scenario, const Failure& failure,
           std::vector<std::string>& wrong) {
    std::string sentence = world.plan().has_struck() ? objection(world, scenario, failure)
                                                     : std::string("the call was never made");
    if (sentence.empty()) return;
    for (const std::error_code& code : world.told()) sentence += "; told: " + code.message();
    wrong.push_back(std::move(sentence));
}

bool is_left_out(const Scenario& scenario, const Failure& failure) {
    const std::string name =
        std::string(support::name_of(failure.call)) + ':' + std::string(failure.name);
    return name == scenario.left_out;
}

struct Total {
    unsigned calls = 0;
    unsigned runs = 0;
    unsigned struck = 0;
};

void run_and_check(const Scenario& scenario, const Failure& failure, unsigned ordinal,
                   Total& total) {
    const std::size_t descriptors = support::open_descriptors();
    Verdict verdict = run_once(scenario, failure, ordinal);
    if (support::open_descriptors() != descriptors)
        verdict.wrong.emplace_back("the process has other descriptors than before");
    ++total.runs;
    total.struck += verdict.has_struck ? 1u : 0u;
    std::string all;
    for (const std::string& sentence : verdict.wrong) all += "\n    " + sentence;
    const std::string name = name_of_run(scenario, failure, ordinal);
    CHECK_MESSAGE(verdict.wrong.empty(), "TIDEMILL_TORTURE=" << name << all);
}

void print(const Scenario& scenario, const Total& total) {
    const char* const selector = std::getenv("TIDEMILL_SELECTOR");
    std::printf("torture: %-20s %-8s %4u calls recorded, %5u runs, fault observed in %5u\n",
                scenario.name, selector == nullptr ? "default" : selector, total.calls, total.runs,
                total.struck);
    std::fflush(stdout);
}

} // namespace

FaultPlan::Counts record(const Scenario& scenario) {
    FaultPlan::Counts least;
    least.fill(~0u);
    for (int i = 0; i < recordings; ++i) {
        World world;
        world.plan().start({});
        scenario.run(world);
        const FaultPlan::Counts counts = world.plan().counts();
        world.inspect();
        for (const std::string& sentence : world.findings()) FAIL_CHECK(sentence);
        CHECK_FALSE(world.is_incomplete());
        for (const std::error_code& code : world.told()) FAIL_CHECK("told: " << code.message());
        for (std::size_t kind = 0; kind < least.size(); ++kind)
            least[kind] = std::min(least[kind], counts[kind]);
    }
    unsigned& waits = least[static_cast<std::size_t>(Call::wait)];
    waits = std::min(waits, most_waits);
    return least;
}

Verdict run_once(const Scenario& scenario, const Failure& failure, unsigned ordinal,
                 const Plants& plants) {
    World world(plants);
    world.plan().start({failure.call, ordinal, failure.error});
    Verdict verdict;
    try {
        scenario.run(world);
        judge(world, scenario, failure, verdict.wrong);
        verdict.has_struck = world.plan().has_struck();
        world.inspect();
    } catch (const std::exception& error) { // a selector that is beyond repair
        verdict.wrong.push_back(std::string("the loop cannot go on: ") + error.what());
        verdict.has_struck = world.plan().has_struck();
        for (const std::string& breach : world.ledger().breaches()) verdict.wrong.push_back(breach);
    }
    for (const std::string& sentence : world.findings()) verdict.wrong.push_back(sentence);
    return verdict;
}

/// Which runs are made: the `first` of each `stride`.
struct Sample {
    unsigned stride = 1;
    unsigned first = 0;
};

// Under Wine a call that is nothing elsewhere asks another process: a sample has to do. Under a
// sanitizer each costs several times as much, and the selectors share the runs between them.
Sample sample_of_this_run() {
    if (support::os_facts().is_wine) return {16, 0};
    if (!support::under_sanitizer) return {};
    constexpr std::string_view selectors[] = {"epoll", "poll", "select", "uv"};
    const char* const named = std::getenv("TIDEMILL_SELECTOR");
    const auto* const found =
        std::find(std::begin(selectors), std::end(selectors), named == nullptr ? "" : named);
    constexpr auto count = static_cast<unsigned>(std::size(selectors));
    return {count, static_cast<unsigned>(found - std::begin(selectors)) % count};
}

void torture(const Scenario& scenario) {
    const char* const one = std::getenv("TIDEMILL_TORTURE");
    const Sample sample = sample_of_this_run();
    unsigned position = 0;
    const FaultPlan::Counts counts = record(scenario);
    Total total;
    for (const unsigned count : counts) total.calls += count;
    for (const Failure& failure : failures()) {
        if (is_left_out(scenario, failure)) continue;
        for (unsigned n = 1; n <= counts[static_cast<std::size_t>(failure.call)]; ++n)
            if (one == nullptr ? position++ % sample.stride == sample.first
                               : name_of_run(scenario, failure, n) == one)
                run_and_check(scenario, failure, n, total);
    }
    CHECK(total.struck == total.runs);
    print(scenario, total);
}

} // namespace tidemill::torture
