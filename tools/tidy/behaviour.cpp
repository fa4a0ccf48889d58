// docs/behaviour.md against the reports of the test run: no promise without a test that ran.
//
// A table counts if the head of its last column is `test`; the last cell of each of its rows names
// tests in backticks. `name<*>` stands for every instance of a templated test.
#include "tidy.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace tidy {
namespace {

struct Outcome {
    int assertions = 0; ///< the fewest of all runs
    int failures = 0;
};
using Outcomes = std::map<std::string, Outcome, std::less<>>;

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Outcomes outcomes_of(std::string_view reports) {
    Outcomes outcomes;
    for (const std::string_view line : lines_of(reports)) {
        const std::size_t last = line.rfind('\t');
        if (last == line.npos || last == 0) continue;
        const std::size_t first = line.rfind('\t', last - 1);
        if (first == line.npos) continue;
        const auto assertions = number_of(line.substr(first + 1, last - first - 1));
        const auto failures = number_of(line.substr(last + 1));
        if (!assertions || !failures) continue;
        const auto [known, is_new] =
            outcomes.try_emplace(std::string(line.substr(0, first)), Outcome{*assertions, 0});
        known->second.assertions = std::min(known->second.assertions, *assertions);
        known->second.failures += *failures;
    }
    return outcomes;
}

std::vector<std::string> cells_of(std::string_view row) {
    std::vector<std::string> cells(1);
    row = trimmed(row).substr(1);
    for (std::size_t at = 0; at < row.size(); ++at) {
        if (row[at] == '\\' && at + 1 < row.size() && row[at + 1] == '|')
            cells.back() += row[++at];
        else if (row[at] == '|')
            cells.emplace_back();
        else
            cells.back() += row[at];
    }
    if (cells.size() > 1 && trimmed(cells.back()).empty()) cells.pop_back();
    return cells;
}

std::vector<std::string> names_in(std::string_view cell) {
    std::vector<std::string> names;
    for (std::size_t open = cell.find('`'); open != cell.npos;) {
        const std::size_t close = cell.find('`', open + 1);
        if (close == cell.npos) break;
        names.emplace_back(cell.substr(open + 1, close - open - 1));
        open = cell.find('`', close + 1);
    }
    return names;
}

bool is_named(std::string_view test, std::string_view name) {
    if (!name.ends_with("<*>")) return test == name;
    const std::string_view stem = name.substr(0, name.size() - 2);
    return test.starts_with(stem) && test.ends_with('>');
}

// Why the test `name` proves nothing; empty if it does.
std::string objection(const Outcomes& outcomes, const std::string& name) {
    bool is_known = false;
    for (const auto& [test, outcome] : outcomes) {
        if (!is_named(test, name)) continue;
        is_known = true;
        if (outcome.failures > 0) return "`" + test + "` failed";
        if (outcome.assertions == 0) return "`" + test + "` asserted nothing";
    }
    return is_known ? std::string() : "no test named `" + name + "` ran";
}

} // namespace

Findings check_behaviour(const Source& document, std::string_view reports) {
    const Outcomes outcomes = outcomes_of(reports);
    Findings findings;
    const auto add = [&](std::size_t line, std::string message) {
        findings.push_back({document.path, line, "behaviour", std::move(message)});
    };
    std::size_t number = 0;
    std::size_t rows = 0;
    std::size_t table_line = 0; // lines since the head of a table, 0 outside of one
    bool counts = false;
    for (const std::string_view line : lines_of(document.text)) {
        ++number;
        table_line = trimmed(line).starts_with('|') ? table_line + 1 : 0;
        if (table_line == 0) continue;
        const std::vector<std::string> cells = cells_of(line);
        if (table_line == 1) counts = trimmed(cells.back()) == "test";
        if (table_line <= 2 || !counts) continue;
        ++rows;
        const std::vector<std::string> names = names_in(cells.back());
        if (names.empty()) add(number, "this rule names no test");
        for (const std::string& name : names)
            if (std::string why = objection(outcomes, name); !why.empty()) add(number, why);
    }
    if (rows == 0) add(number, "no rule with a test was found");
    return findings;
}

} // namespace tidy
