// Runs a scenario once for each of its calls and each error that the call may give.
#pragma once

#include "torture/errors.hpp"
#include "torture/scenarios.hpp"

#include <string>

namespace tidemill::torture {

/// What one run has come to: no sentence, nothing wrong.
struct Verdict {
    bool has_struck = false;
    std::vector<std::string> wrong;
};

/// How often the scenario makes each kind of call, at the least, when nothing fails.
[[nodiscard]] support::FaultPlan::Counts record(const Scenario& scenario);
[[nodiscard]] Verdict run_once(const Scenario& scenario, const Failure& failure, unsigned ordinal,
                               const Plants& plants = {});
/// All runs of a scenario, as assertions; says in a line how many there were.
void torture(const Scenario& scenario);

} // namespace tidemill::torture
