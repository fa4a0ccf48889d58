// Coroutine traps that compile without a word.
//
// GCC 12 destroys twice a temporary in a co_await expression that is a braced aggregate or a lambda
// with captures by value. And a lambda's captures live in the closure, not in the frame: a
// coroutine made by a capturing lambda must not outlive that closure.
#include "tidy.hpp"

#include <algorithm>
#include <array>

namespace tidy {
namespace {

constexpr auto npos = std::string_view::npos;

struct Lambda {
    std::size_t intro; ///< offset of [
    std::string_view captures;
    std::size_t body_open;
    std::size_t body_close;
};

bool is_expression_word(std::string_view word) {
    return word.empty() || word == "return" || word == "co_await" || word == "co_return" ||
           word == "co_yield";
}

// Where the body of a lambda begins whose introducer ends before `at`; npos if it is none.
std::size_t body_of(std::string_view code, std::size_t at) {
    at = after_blanks(code, at);
    if (at == npos || (code[at] != '(' && code[at] != '{' && code[at] != '<' && code[at] != '-' &&
                       !is_word_char(code[at])))
        return npos;
    while (at < code.size() && code[at] != '{') {
        if (code[at] == ';' || code[at] == ')' || code[at] == ']') return npos;
        at = code[at] == '(' ? closing_bracket(code, at) : at;
        if (at == npos) return npos;
        ++at;
    }
    return at < code.size() ? at : npos;
}

// The lambda whose introducer is at `at`, if there is one: body_open is npos otherwise.
Lambda lambda_at(std::string_view code, std::size_t at) {
    Lambda lambda{at, {}, npos, npos};
    const std::size_t last = before_blanks(code, at);
    const bool follows_value =
        last != npos && (code[last] == ')' || code[last] == ']' || code[last] == '[' ||
                         !is_expression_word(word_before(code, last + 1)));
    const std::size_t close = closing_bracket(code, at);
    if (follows_value || close == npos || code[at + 1] == '[') return lambda;
    lambda.captures = trimmed(code.substr(at + 1, close - at - 1));
    lambda.body_open = body_of(code, close + 1);
    if (lambda.body_open != npos) lambda.body_close = closing_bracket(code, lambda.body_open);
    if (lambda.body_close == npos) lambda.body_open = npos;
    return lambda;
}

bool captures_by_value(std::string_view captures) {
    std::size_t start = 0;
    for (std::size_t at = 0; at <= captures.size(); ++at) {
        if (at < captures.size() && captures[at] != ',') {
            if (captures[at] == '(' || captures[at] == '{') at = closing_bracket(captures, at);
            if (at == npos) return true;
            continue;
        }
        const std::string_view one = trimmed(captures.substr(start, at - start));
        if (!one.empty() && !one.starts_with('&') && one != "this") return true;
        start = at + 1;
    }
    return false;
}

bool is_standard_awaiter(std::string_view code, std::size_t brace) {
    const std::string_view word = word_before(code, brace);
    return word == "suspend_always" || word == "suspend_never";
}

void check_operand(const Source& source, std::size_t at, Findings& findings) {
    const std::string_view code = source.code;
    const auto add = [&](std::size_t where, const char* message) {
        findings.push_back({source.path, source.line_at(where), "", message});
    };
    for (std::size_t depth = 0; at < code.size(); ++at) {
        const char c = code[at];
        if (c == ';' || (depth == 0 && (c == ')' || c == ']' || c == '}' || c == ','))) return;
        if (c == '[') {
            const Lambda lambda = lambda_at(code, at);
            if (lambda.body_open != npos && captures_by_value(lambda.captures))
                add(at, "a lambda that captures by value in a co_await expression: name it first");
            if (lambda.body_open != npos)
                at = lambda.body_close;
            else
                ++depth;
        } else if (c == '{') {
            if (!is_standard_awaiter(code, at))
                add(at, "a braced temporary in a co_await expression: name it first, or give its "
                        "type a constructor and use parentheses");
            at = closing_bracket(code, at);
            if (at == npos) return;
        } else if (c == '(')
            ++depth;
        else if (c == ')' || c == ']')
            --depth;
    }
}

bool is_coroutine(std::string_view code, const Lambda& lambda) {
    for (std::size_t at = lambda.body_open; at < lambda.body_close; ++at) {
        if (code[at] == '[') {
            const Lambda inner = lambda_at(code, at);
            if (inner.body_open != npos) at = inner.body_close;
        } else if (code[at] == 'c' && !is_word_char(code[at - 1])) {
            for (const std::string_view word : {"co_await", "co_return", "co_yield"})
                if (find_word(code, word, at) == at) return true;
        }
    }
    return false;
}

// The name of the call whose argument list `at` stands in; empty if it is in none.
std::string_view call_around(std::string_view code, std::size_t at) {
    std::size_t depth = 0;
    while (at-- > 0) {
        const char c = code[at];
        if (c == ')' || c == ']' || c == '}') ++depth;
        if (c == ';' && depth == 0) return {};
        if (c != '(' && c != '[' && c != '{') continue;
        if (depth == 0) return c == '(' ? word_before(code, at) : std::string_view();
        --depth;
    }
    return {};
}

bool is_awaited(std::string_view code, std::size_t at) {
    const std::size_t start = code.find_last_of(";{}", at);
    const std::size_t await = find_word(code, "co_await", start == npos ? 0 : start);
    return await != npos && await < at;
}

// What is wrong with a capturing lambda that is a coroutine, or null. Tests may call such a lambda
// through a name or a helper, since there the closure stands in the function that waits.
const char* trap_of(const Source& source, const Lambda& lambda) {
    const std::string_view code = source.code;
    const std::size_t next = after_blanks(code, lambda.body_close + 1);
    const bool is_called = next != npos && code[next] == '(';
    const std::string_view call = call_around(code, lambda.intro);
    const bool runs_to_end = call == "block_on" || call == "run" || call == "or_throw";
    const std::size_t last = before_blanks(code, lambda.intro);
    const bool is_initialiser = last != npos && code[last] == '=';
    if (is_called && !runs_to_end && !is_awaited(code, lambda.intro) &&
        (call == "spawn" || is_initialiser || !source.is_under("tests/")))
        return "the captures of this coroutine die before it: pass the lambda to spawn uncalled";
    if (is_called || source.is_under("tests/")) return nullptr;
    const bool is_kept = runs_to_end || call == "spawn" || call == "serve";
    return is_kept ? nullptr : "a capturing lambda that is a coroutine goes to spawn, at once";
}

// `if (co_await f())`, `while (!co_await f())`: the condition of which the await at `at` is a part,
// unless it declares what it tests.
bool is_bare_condition(std::string_view code, std::size_t at) {
    int depth = 0;
    for (std::size_t i = at; i-- > 0 && code[i] != ';' && code[i] != '{' && code[i] != '}';) {
        if (code[i] == ')') ++depth;
        const bool declares = code[i] == '=' && code[i - 1] == ' ' && code[i + 1] == ' ';
        if (declares && depth == 0) return false;
        if (code[i] != '(' || depth-- > 0) continue;
        const std::size_t last = before_blanks(code, i);
        const std::string_view word = last == npos ? "" : word_before(code, last + 1);
        if (word == "if" || word == "while") return true;
        depth = 0;
    }
    return false;
}

} // namespace

void check_await_temporaries(const Source& source, Findings& findings) {
    constexpr std::string_view word = "co_await";
    for (std::size_t at = find_word(source.code, word, 0); at != npos;
         at = find_word(source.code, word, at + 1)) {
        const std::size_t last = before_blanks(source.code, at);
        const bool is_declared = last != npos && word_before(source.code, last + 1) == "operator";
        if (is_declared) continue;
        check_operand(source, at + word.size(), findings);
        // GCC 12 may put the condition where the frame's resume function belongs, and the coroutine
        // never starts, is never resumed, or runs into nowhere.
        if (is_bare_condition(source.code, at))
            findings.push_back({source.path, source.line_at(at), "",
                                "an await as a condition spoils the frame with GCC 12: name it"});
    }
}

void check_lambda_coroutines(const Source& source, Findings& findings) {
    const std::string_view code = source.code;
    for (std::size_t at = code.find('['); at != npos; at = code.find('[', at + 1)) {
        const Lambda lambda = lambda_at(code, at);
        if (lambda.body_open == npos || lambda.captures.empty()) continue;
        if (!is_coroutine(code, lambda)) continue;
        if (const char* trap = trap_of(source, lambda))
            findings.push_back({source.path, source.line_at(at), "", trap});
    }
}

} // namespace tidy
