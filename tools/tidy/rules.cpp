// The table of rules. A review that finds the same thing twice adds a line here.
#include "tidy.hpp"

namespace tidy {
namespace {

constexpr Rule table[] = {
    {"columns", check_columns},
    {"length", check_length},
    {"example", check_minimal_examples},
    {"unfinished", check_unfinished_marks},
    {"platform", check_platform_switch},
    {"include", check_includes},
    {"layer", check_layers},
    {"extension", check_extensions},
    {"call", check_calls},
    {"function", check_functions},
    {"await-temporary", check_await_temporaries},
    {"lambda-coroutine", check_lambda_coroutines},
};

} // namespace

std::span<const Rule> rules() { return table; }

Findings check(const Source& source) {
    Findings all;
    for (const Rule& rule : rules()) {
        Findings found;
        rule.check(source, found);
        for (Finding& finding : found) finding.rule = rule.name;
        all.insert(all.end(), found.begin(), found.end());
    }
    return all;
}

} // namespace tidy
