// One file as the rules see it: its text, and its code with comments and literals made blank.
//
// The blanking is a scanner of its own, since quotes hide comments, comments hide quotes, raw
// strings hide both, and the apostrophe is a digit separator too.
#include "tidy.hpp"

#include <algorithm>

namespace tidy {
namespace {

class Blanker {
public:
    explicit Blanker(std::string& code) : code_(code) {}

    void run() {
        while (at_ < code_.size()) {
            if (starts("//"))
                blank_to(code_.find('\n', at_));
            else if (starts("/*"))
                blank_to(past(code_.find("*/", at_ + 2), 2));
            else if (code_[at_] == '"' && at_ > 0 && code_[at_ - 1] == 'R')
                blank_raw_string();
            else if (code_[at_] == '"' || is_character_quote())
                blank_literal(code_[at_]);
            else
                ++at_;
        }
    }

private:
    bool starts(std::string_view mark) const { return code_.compare(at_, mark.size(), mark) == 0; }

    bool is_character_quote() const {
        return code_[at_] == '\'' && (at_ == 0 || !is_word_char(code_[at_ - 1]) || is_prefixed());
    }
    // u8'x' and L'x' are literals, 1'000 is not.
    bool is_prefixed() const {
        const std::string_view prefix = word_before(code_, at_);
        return prefix == "u8" || prefix == "u" || prefix == "U" || prefix == "L";
    }

    static std::size_t past(std::size_t found, std::size_t length) {
        return found == std::string::npos ? found : found + length;
    }

    void blank_to(std::size_t end) {
        for (end = std::min(end, code_.size()); at_ < end; ++at_)
            if (code_[at_] != '\n') code_[at_] = ' ';
    }

    void blank_literal(char quote) {
        std::size_t end = at_ + 1;
        while (end < code_.size() && code_[end] != quote && code_[end] != '\n')
            end += code_[end] == '\\' ? 2U : 1U;
        ++at_;
        blank_to(end);
        ++at_;
    }

    void blank_raw_string() {
        const std::size_t open = code_.find('(', at_);
        if (open == std::string::npos) return blank_to(open);
        const std::string close = ")" + code_.substr(at_ + 1, open - at_ - 1) + "\"";
        const std::size_t end = code_.find(close, open);
        ++at_;
        blank_to(end == std::string::npos ? end : end + close.size() - 1);
        ++at_;
    }

    std::string& code_;
    std::size_t at_ = 0;
};

} // namespace

Source::Source(std::string path_, std::string text_)
    : path(std::move(path_)), text(std::move(text_)) {
    if (!is_cpp()) return;
    code = text;
    Blanker(code).run();
}

bool Source::is_cpp() const { return path.ends_with(".cpp") || path.ends_with(".hpp"); }

bool Source::is_public_header() const { return is_under("include/") && path.ends_with(".hpp"); }

bool Source::is_under(std::string_view folder) const { return path.starts_with(folder); }

std::size_t Source::line_at(std::size_t offset) const {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    return static_cast<std::size_t>(std::count(text.begin(), end, '\n')) + 1;
}

bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::size_t find_word(std::string_view code, std::string_view word, std::size_t from) {
    for (std::size_t at = code.find(word, from); at != code.npos; at = code.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool starts = at == 0 || !is_word_char(code[at - 1]);
        if (starts && (end == code.size() || !is_word_char(code[end]))) return at;
    }
    return code.npos;
}

std::size_t before_blanks(std::string_view code, std::size_t offset) {
    return offset == 0 ? code.npos : code.find_last_not_of(" \t\r\n", offset - 1);
}

std::size_t after_blanks(std::string_view code, std::size_t offset) {
    return code.find_first_not_of(" \t\r\n", offset);
}

std::string_view word_before(std::string_view code, std::size_t end) {
    std::size_t start = end;
    while (start > 0 && is_word_char(code[start - 1])) --start;
    return code.substr(start, end - start);
}

std::size_t closing_bracket(std::string_view code, std::size_t open) {
    std::size_t depth = 0;
    for (std::size_t at = open; at < code.size(); ++at) {
        const char c = code[at];
        if (c == '(' || c == '[' || c == '{') ++depth;
        if ((c == ')' || c == ']' || c == '}') && --depth == 0) return at;
    }
    return code.npos;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
    }
    return lines;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t start = after_blanks(text, 0);
    if (start == text.npos) return {};
    return text.substr(start, before_blanks(text, text.size()) - start + 1);
}

} // namespace tidy
