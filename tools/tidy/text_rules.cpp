// Rules about text: width, length, and words that mark unfinished work.
#include "tidy.hpp"

#include <algorithm>
#include <array>

namespace tidy {
namespace {

constexpr std::size_t columns_max = 100;
constexpr std::size_t source_lines_max = 300;
constexpr std::size_t public_header_lines_max = 200;
constexpr std::size_t minimal_example_lines_max = 29;

// The programs that show how little is needed.
constexpr std::array minimal_examples = {"examples/tcp_client.cpp", "examples/tcp_echo.cpp",
                                         "examples/tls_client.cpp", "examples/tls_echo.cpp",
                                         "examples/udp_echo.cpp"};

// Spelt in halves, so that this file keeps its own rule.
constexpr const char* unfinished_marks[] = {"TO"
                                            "DO",
                                            "FIX"
                                            "ME",
                                            "XX"
                                            "X"};

bool is_prose(const Source& source) { return source.path.ends_with(".md"); }

// Characters, not bytes: the bytes that continue a UTF-8 sequence are not counted.
std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) >> 6) != 2;
    }));
}

} // namespace

void check_columns(const Source& source, Findings& findings) {
    if (is_prose(source)) return;
    std::size_t number = 0;
    for (const std::string_view line : lines_of(source.text)) {
        ++number;
        if (const std::size_t columns = columns_of(line); columns > columns_max)
            findings.push_back(
                {source.path, number, "",
                 std::to_string(columns) + " columns, at most " + std::to_string(columns_max)});
    }
}

void check_length(const Source& source, Findings& findings) {
    if (!source.is_cpp()) return;
    const std::size_t limit =
        source.is_public_header() ? public_header_lines_max : source_lines_max;
    if (const std::size_t count = lines_of(source.text).size(); count > limit)
        findings.push_back({source.path, count, "",
                            std::to_string(count) + " lines, at most " + std::to_string(limit) +
                                ": split by idea"});
}

void check_minimal_examples(const Source& source, Findings& findings) {
    if (std::find(minimal_examples.begin(), minimal_examples.end(), source.path) ==
        minimal_examples.end())
        return;
    const auto lines = lines_of(source.code);
    const auto count = static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [](std::string_view line) { return !trimmed(line).empty(); }));
    if (count > minimal_example_lines_max)
        findings.push_back({source.path, lines.size(), "",
                            std::to_string(count) + " lines of code, at most " +
                                std::to_string(minimal_example_lines_max)});
}

void check_unfinished_marks(const Source& source, Findings& findings) {
    if (is_prose(source)) return;
    for (const std::string_view mark : unfinished_marks)
        for (std::size_t at = find_word(source.text, mark, 0); at != std::string::npos;
             at = find_word(source.text, mark, at + 1))
            findings.push_back({source.path, source.line_at(at), "",
                                std::string(mark) + ": finish it, or file an issue"});
}

} // namespace tidy
