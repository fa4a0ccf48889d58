// tools/tidy: the rules of the house that no compiler knows, as a test over the tree.
//
// A rule looks at one file and adds findings; the table in rules.cpp lists them all. Rules about
// C++ read `Source::code`, a copy of the text in which comments and literals are blank and
// everything else stands at its old place, so that nothing fires on prose and offsets give line
// numbers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

struct Source {
    Source(std::string path_, std::string text_);

    [[nodiscard]] bool is_cpp() const;
    [[nodiscard]] bool is_public_header() const;
    [[nodiscard]] bool is_under(std::string_view folder) const;
    [[nodiscard]] std::size_t line_at(std::size_t offset) const;

    std::string path; ///< relative to the top of the tree, with forward slashes
    std::string text;
    std::string code; ///< empty unless is_cpp()
};

struct Finding {
    std::string path;
    std::size_t line;
    std::string rule;
    std::string message;
};
using Findings = std::vector<Finding>;

using Check = void (*)(const Source&, Findings&);
struct Rule {
    const char* name;
    Check check;
};

/// Every rule that looks at one file at a time.
[[nodiscard]] std::span<const Rule> rules();
/// The findings of all rules for one file, in the order of the table.
[[nodiscard]] Findings check(const Source& source);

/// All files of the tree at `root` that git knows or would add; for a tree without git, all files
/// outside of build/.
[[nodiscard]] std::vector<std::string> files_of(const std::filesystem::path& root);
/// Sources among `files` that no target in the compile_commands.json text builds.
[[nodiscard]] Findings unbuilt_sources(std::span<const std::string> files,
                                       const std::filesystem::path& root,
                                       std::string_view compile_commands);

/// Root is refused nothing that a test asks for, so that for root a skip is no excuse.
enum class Platform { posix, posix_as_root, windows };

/// Checks the tables of docs/behaviour.md against the reports of the test run.
///
/// `reports` is the text of all report files: lines of `name TAB assertions TAB failures`, and
/// `TAB skipped: reason` if this machine lets the test show nothing, which excuses it. On
/// Windows the tables whose last column is `test on Windows` are its own; of the others only what
/// ran is judged, since tools/windows-coverage sees to it that nothing is missing without a reason.
[[nodiscard]] Findings check_behaviour(const Source& document, std::string_view reports,
                                       Platform platform = Platform::posix);

/// What one entry of the test run has left, by the name of its file.
struct Report {
    std::string entry; ///< ends with `.SELECTOR` if it runs once for each
    std::string text;
};

/// Checks that each documented test of an entry which runs on one selector ran, and asserted
/// something, on every selector that any report is of. A case with a fourth column was left out
/// for a written reason (tests/support/skips.hpp).
[[nodiscard]] Findings check_selectors(const Source& document, const std::vector<Report>& reports);

// Building blocks of the rules.

[[nodiscard]] bool is_word_char(char c);
/// The offset of the next whole word `word` in `code` from `from` on, or npos.
[[nodiscard]] std::size_t find_word(std::string_view code, std::string_view word, std::size_t from);
/// The offset of the last character before `offset` that is not blank, or npos.
[[nodiscard]] std::size_t before_blanks(std::string_view code, std::size_t offset);
/// The offset of the first character from `offset` on that is not blank, or npos.
[[nodiscard]] std::size_t after_blanks(std::string_view code, std::size_t offset);
/// The word that ends just before `end`; empty if there is none.
[[nodiscard]] std::string_view word_before(std::string_view code, std::size_t end);
/// The offset of the bracket that closes the one at `open`, or npos.
[[nodiscard]] std::size_t closing_bracket(std::string_view code, std::size_t open);
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);
[[nodiscard]] std::string_view trimmed(std::string_view text);

// The checks, by file.

void check_columns(const Source& source, Findings& findings);           // text_rules.cpp
void check_length(const Source& source, Findings& findings);            // text_rules.cpp
void check_minimal_examples(const Source& source, Findings& findings);  // text_rules.cpp
void check_unfinished_marks(const Source& source, Findings& findings);  // text_rules.cpp
void check_platform_switch(const Source& source, Findings& findings);   // include_rules.cpp
void check_includes(const Source& source, Findings& findings);          // include_rules.cpp
void check_layers(const Source& source, Findings& findings);            // include_rules.cpp
void check_extensions(const Source& source, Findings& findings);        // include_rules.cpp
void check_calls(const Source& source, Findings& findings);             // call_rules.cpp
void check_functions(const Source& source, Findings& findings);         // function_rules.cpp
void check_await_temporaries(const Source& source, Findings& findings); // coroutine_rules.cpp
void check_lambda_coroutines(const Source& source, Findings& findings); // coroutine_rules.cpp

} // namespace tidy
