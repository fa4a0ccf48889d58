// The length of functions, measured by braces.
//
// No parser: a brace opens a function if the text before it, back to the last end of a statement,
// has a parameter list and does not begin a class, enumeration or namespace. Branches and loops
// qualify too, which does no harm: they are no longer than the function around them.
#include "tidy.hpp"

#include <algorithm>
#include <array>

namespace tidy {
namespace {

constexpr std::size_t function_lines_max = 70;

constexpr std::array not_functions = {"class", "struct", "union", "enum", "namespace", "extern"};

// Directives may hold unbalanced braces and are no part of any function.
std::string without_directives(std::string_view code) {
    std::string plain;
    bool continues = false;
    for (const std::string_view line : lines_of(code)) {
        const bool is_directive = continues || trimmed(line).starts_with('#');
        continues = is_directive && trimmed(line).ends_with('\\');
        plain += is_directive ? std::string(line.size(), ' ') : std::string(line);
        plain += '\n';
    }
    return plain;
}

std::string_view without_template_prefix(std::string_view head) {
    while (head.starts_with("template")) {
        std::size_t depth = 0;
        std::size_t at = head.find('<');
        for (; at < head.size(); ++at) {
            if (head[at] == '<') ++depth;
            if (head[at] == '>' && --depth == 0) break;
        }
        if (at >= head.size()) return head;
        head = trimmed(head.substr(at + 1));
    }
    return head;
}

bool opens_function(std::string_view head) {
    head = without_template_prefix(trimmed(head));
    if (head.find('(') == head.npos || head.ends_with('=')) return false;
    return std::none_of(not_functions.begin(), not_functions.end(),
                        [&](const char* word) { return find_word(head, word, 0) == 0; });
}

// After a braced initialiser the statement goes on: a_{1}, b_{2} {
bool ends_statement(std::string_view code, std::size_t close) {
    const std::size_t next = after_blanks(code, close + 1);
    return next == code.npos || std::string_view(",{)").find(code[next]) == std::string_view::npos;
}

std::size_t lines_between(std::string_view code, std::size_t open, std::size_t close) {
    const std::string_view text = code.substr(open, close - open);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// Lines of the body between two braces, its tables left out.
std::size_t lines_of_body(std::string_view code, std::size_t open, std::size_t close) {
    std::size_t lines = lines_between(code, open, close) + 1;
    for (std::size_t at = open + 1; at < close; ++at) {
        if (code[at] != '{' || code[before_blanks(code, at)] != '=') continue;
        const std::size_t end = std::min(closing_bracket(code, at), close);
        lines -= lines_between(code, at, end);
        at = end;
    }
    return lines;
}

} // namespace

void check_functions(const Source& source, Findings& findings) {
    if (!source.is_cpp()) return;
    const std::string code = without_directives(source.code);
    std::size_t head_start = 0;
    for (std::size_t at = 0; at < code.size(); ++at) {
        if (code[at] == ';') head_start = at + 1;
        if (code[at] == '}' && ends_statement(code, at)) head_start = at + 1;
        if (code[at] != '{') continue;
        const std::string_view head = std::string_view(code).substr(head_start, at - head_start);
        const std::size_t close = closing_bracket(code, at);
        if (close == std::string::npos) continue;
        if (!opens_function(head)) {
            if (ends_statement(code, close)) head_start = at + 1;
            continue;
        }
        const std::size_t lines = lines_of_body(code, at, close);
        if (lines > function_lines_max)
            findings.push_back({source.path, source.line_at(at), "",
                                "a function of " + std::to_string(lines) + " lines, at most " +
                                    std::to_string(function_lines_max)});
        at = close;
        if (ends_statement(code, close)) head_start = close + 1;
    }
}

} // namespace tidy
