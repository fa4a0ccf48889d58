// docs/behaviour.md against the reports of the test run: no promise without a test that ran.
//
// A table counts if the head of its last column is `test`, or `test on Windows` for the reports of
// that; the last cell of each of its rows names tests in backticks. `name<*>` stands for every
// instance of a templated test.
#include "tidy.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <set>

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

// Why the test `name` proves nothing; empty if it does. One that did not run may be `optional`.
std::string objection(const Outcomes& outcomes, const std::string& name, bool optional) {
    bool is_known = false;
    for (const auto& [test, outcome] : outcomes) {
        if (!is_named(test, name)) continue;
        is_known = true;
        if (outcome.failures > 0) return "`" + test + "` failed";
        if (outcome.assertions == 0) return "`" + test + "` asserted nothing";
    }
    return is_known || optional ? std::string() : "no test named `" + name + "` ran";
}

/// Visits the names of each rule in tables of that head; gives the number of the last line.
template <class Visitor>
std::size_t visit_rules(const Source& document, std::string_view head, Visitor visitor) {
    std::size_t number = 0;
    std::size_t table_line = 0; // lines since the head of a table, 0 outside of one
    bool counts = false;
    for (const std::string_view line : lines_of(document.text)) {
        ++number;
        table_line = trimmed(line).starts_with('|') ? table_line + 1 : 0;
        if (table_line == 0) continue;
        const std::vector<std::string> cells = cells_of(line);
        if (table_line == 1) counts = trimmed(cells.back()) == head;
        if (table_line > 2 && counts) visitor(number, names_in(cells.back()));
    }
    return number;
}

// The runs of one entry, selector by selector

using Runs = std::map<std::string, Outcomes, std::less<>>;

constexpr std::string_view selectors[] = {"epoll", "poll",    "select",    "uv",
                                          "iocp",  "wsapoll", "simulation"};

/// The end of an entry's name that is a selector; empty if it has none.
std::string_view selector_of(std::string_view entry) {
    const std::string_view end = entry.substr(std::min(entry.rfind('.') + 1, entry.size()));
    const bool is_known =
        std::find(std::begin(selectors), std::end(selectors), end) != std::end(selectors);
    return is_known ? end : std::string_view();
}

/// Tests that are repeated for each selector by type run in the report of their own.
std::string without_selector_type(std::string_view test) {
    const std::size_t open = test.rfind('<');
    if (open == test.npos || !test.ends_with('>')) return std::string(test);
    std::string type(test.substr(open + 1, test.size() - open - 2));
    if (!type.empty() && type[0] >= 'A' && type[0] <= 'Z')
        type[0] = static_cast<char>(type[0] - 'A' + 'a');
    return selector_of("." + type).empty() ? std::string(test) : std::string(test.substr(0, open));
}

/// What did not count because of a limit of the platform or a permission that this machine does not
/// give; it says so in a fourth column.
std::string excused(std::string_view text) {
    std::string kept;
    for (const std::string_view line : lines_of(text)) {
        if (std::count(line.begin(), line.end(), '\t') != 3) continue;
        kept += std::string(line.substr(0, line.find('\t'))) + "\t1\t0\n";
    }
    return kept;
}

Outcomes outcomes_by_stem(std::string_view text) {
    Outcomes by_stem;
    for (const auto& [test, outcome] : outcomes_of(std::string(text) + excused(text))) {
        auto& known = by_stem.try_emplace(without_selector_type(test), outcome).first->second;
        known.assertions = std::min(known.assertions, outcome.assertions);
    }
    return by_stem;
}

std::string missing_run(const Runs& runs, const std::string& selector, const std::string& test) {
    const auto run = runs.find(selector);
    const auto found = run == runs.end() ? Outcomes::const_iterator() : run->second.find(test);
    if (run == runs.end() || found == run->second.end())
        return "`" + test + "` did not run on " + selector;
    if (found->second.assertions == 0) return "`" + test + "` asserted nothing on " + selector;
    return "";
}

} // namespace

Findings check_selectors(const Source& document, const std::vector<Report>& reports) {
    std::map<std::string, Runs, std::less<>> entries; // without the selectors' names
    std::set<std::string, std::less<>> used;
    for (const Report& report : reports) {
        const std::string_view selector = selector_of(report.entry);
        if (selector.empty()) continue;
        const std::string stem = report.entry.substr(0, report.entry.size() - selector.size() - 1);
        entries[stem][std::string(selector)] = outcomes_by_stem(report.text);
        used.emplace(selector);
    }
    Findings findings;
    const auto look_for = [&](std::size_t line, const std::string& name, const Runs& runs) {
        std::set<std::string, std::less<>> tests;
        for (const auto& [selector, outcomes] : runs)
            for (const auto& [test, outcome] : outcomes)
                if (is_named(test, name) || (name.ends_with("<*>") && test + "<*>" == name))
                    tests.insert(test);
        for (const std::string& test : tests)
            for (const std::string& selector : used)
                if (std::string why = missing_run(runs, selector, test); !why.empty())
                    findings.push_back({document.path, line, "behaviour", std::move(why)});
    };
    visit_rules(document, "test", [&](std::size_t line, const std::vector<std::string>& names) {
        for (const std::string& name : names)
            for (const auto& [entry, runs] : entries) look_for(line, name, runs);
    });
    return findings;
}

Findings check_behaviour(const Source& document, std::string_view reports, Platform platform) {
    const bool is_windows = platform == Platform::windows;
    const Outcomes outcomes = outcomes_of(reports);
    // What Windows is claimed to do differently has to be shown.
    const Outcomes excuses =
        platform == Platform::posix ? outcomes_of(excused(reports)) : Outcomes();
    Findings findings;
    const auto add = [&](std::size_t line, std::string message) {
        findings.push_back({document.path, line, "behaviour", std::move(message)});
    };
    std::size_t rows = 0;
    const auto check = [&](std::size_t line, const std::vector<std::string>& names) {
        ++rows;
        if (names.empty()) add(line, "this rule names no test");
        for (const std::string& name : names)
            if (std::string why = objection(outcomes, name, excuses.contains(name)); !why.empty())
                add(line, why);
    };
    const auto check_what_ran = [&](std::size_t line, const std::vector<std::string>& names) {
        for (const std::string& name : names)
            if (std::string why = objection(outcomes, name, true); !why.empty()) add(line, why);
    };
    const std::size_t last = visit_rules(document, is_windows ? "test on Windows" : "test", check);
    if (is_windows) visit_rules(document, "test", check_what_ran);
    if (rows == 0) add(last, "no rule with a test was found");
    return findings;
}

} // namespace tidy
