// Test cases that this platform cannot show, by name and reason, from one file; and those that find
// out by themselves that this machine lets them show nothing.
//
// The file is the one that TIDEMILL_SKIPS names (tests/data/not_on_windows.txt). A line is
//
//     PLATFORM <tab> SELECTOR <tab> NAME <tab> REASON
//
// with the platform `windows` (any) or `wine`, and `*` for every selector. What is skipped stands
// in the report, with its reason; tools/windows-coverage checks that nothing else is missing.
#pragma once

#include <string>
#include <vector>

namespace tidemill::support {

struct Skip {
    std::string name;
    std::string reason;
};

/// Those that concern this run.
[[nodiscard]] std::vector<Skip> skips_of_this_run();

/// The case that runs can show nothing on this machine: it stands in the report with the reason,
/// unless it has asserted something. The case returns then.
void skip_case(const std::string& reason);

} // namespace tidemill::support
