// Which case runs, and how often it has run a death test: what a child process that has to come to
// the same point needs, on systems without fork().
#pragma once

#include <string>

namespace tidemill::support {

struct CurrentCase {
    std::string name;
    int deaths = 0;      ///< calls of death_of() so far
    std::string skipped; ///< why nothing can be shown here, if so: skip_case()
};

inline CurrentCase& current_case() {
    static CurrentCase only;
    return only;
}

/// In a child that was started for a death test: which case it is to run, and up to which death.
inline constexpr const char* death_case_variable = "TIDEMILL_DEATH_CASE";
inline constexpr const char* death_number_variable = "TIDEMILL_DEATH_NUMBER";

} // namespace tidemill::support
