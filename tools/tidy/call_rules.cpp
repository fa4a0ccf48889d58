// Calls that are banned, each with what to use in its place.
//
// A name alone proves little (`stream.abort()` is ours, `std::abort()` is not), so an entry says
// how the name must be reached to be meant.
#include "tidy.hpp"

#include <algorithm>
#include <array>

namespace tidy {
namespace {

enum class Reach { member, plain, global_or_std, other };

struct Ban {
    const char* name;
    bool plain;  ///< `name(`
    bool global; ///< `::name(`, `std::name(`, `std::this_thread::name(`
    bool member; ///< `x.name(`
    bool in_tests;
    const char* exempt; ///< a folder or file that may, or null
    const char* instead;
};

constexpr const char* text_instead = "std::string, std::to_chars or std::snprintf";
constexpr const char* sleep_instead = "a condition with a ceiling, or the replaced clock";

constexpr Ban bans[] = {
    {"strerror", true, true, false, false, nullptr, "std::error_code::message()"},
    {"perror", true, true, false, false, nullptr, "Error::message()"},
    {"rand", true, true, false, true, nullptr, "a seeded engine that the caller owns"},
    {"srand", true, true, false, true, nullptr, "a seeded engine that the caller owns"},
    {"sprintf", true, true, false, true, nullptr, text_instead},
    {"vsprintf", true, true, false, true, nullptr, text_instead},
    {"strcpy", true, true, false, true, nullptr, text_instead},
    {"strcat", true, true, false, true, nullptr, text_instead},
    {"strtok", true, true, false, true, nullptr, "std::string_view::find"},
    {"atoi", true, true, false, false, nullptr, "std::from_chars"},
    {"atol", true, true, false, false, nullptr, "std::from_chars"},
    {"gethostbyname", true, true, false, true, nullptr, "getaddrinfo, off the loop thread"},
    {"inet_addr", true, true, false, true, nullptr, "inet_pton"},
    {"inet_ntoa", true, true, false, true, nullptr, "inet_ntop"},
    {"localtime", true, true, false, false, nullptr, "std::chrono"},
    {"gmtime", true, true, false, false, nullptr, "std::chrono"},
    {"alloca", true, true, false, true, nullptr, "a bounded array"},
    {"setjmp", true, true, false, true, nullptr, "a Result"},
    {"longjmp", true, true, false, true, nullptr, "a Result"},
    {"system", true, true, false, false, nullptr, "nothing: the library starts no shell"},
    {"exit", true, true, false, false, nullptr, "a returned Error"},
    {"abort", false, true, false, false, "src/core/require.cpp", "TIDEMILL_REQUIRE"},
    {"signal", true, true, false, false, "src/posix/", "sigaction in src/posix, behind Signals"},
    {"detach", false, false, true, true, nullptr, "a thread that somebody joins"},
    {"sleep", false, true, false, true, nullptr, sleep_instead},
    {"usleep", true, true, false, true, nullptr, sleep_instead},
    {"nanosleep", true, true, false, true, nullptr, sleep_instead},
    {"sleep_for", true, true, false, true, nullptr, sleep_instead},
    {"sleep_until", true, true, false, true, nullptr, sleep_instead},
};

constexpr std::array words_before_calls = {"return", "co_return", "co_await", "co_yield",
                                           "else",   "do",        "throw",    "case"};

Reach reach_of(std::string_view code, std::size_t name) {
    const std::size_t last = before_blanks(code, name);
    if (last == code.npos) return Reach::plain;
    if (code[last] == '.') return Reach::member;
    if (code[last] == '>') return last > 0 && code[last - 1] == '-' ? Reach::member : Reach::other;
    if (code[last] == ':' && last > 0 && code[last - 1] == ':') {
        const std::string_view scope = word_before(code, last - 1);
        const bool is_ours = !scope.empty() && scope != "std" && scope != "this_thread";
        return is_ours ? Reach::other : Reach::global_or_std;
    }
    // A word in front makes it a declaration, unless that word begins an expression.
    const std::string_view word = word_before(code, last + 1);
    const bool is_expression =
        word.empty() || std::find(words_before_calls.begin(), words_before_calls.end(), word) !=
                            words_before_calls.end();
    return is_expression ? Reach::plain : Reach::other;
}

bool matches(const Ban& ban, Reach reach) {
    switch (reach) {
    case Reach::member: return ban.member;
    case Reach::plain: return ban.plain;
    case Reach::global_or_std: return ban.global;
    case Reach::other: return false;
    }
    return false;
}

void check_ban(const Source& source, const Ban& ban, Findings& findings) {
    const std::string_view code = source.code;
    const std::string_view name = ban.name;
    // Other things than threads may be detached.
    if (ban.member && find_word(code, "thread", 0) == code.npos &&
        find_word(code, "jthread", 0) == code.npos)
        return;
    for (std::size_t at = find_word(code, name, 0); at != code.npos;
         at = find_word(code, name, at + 1)) {
        const std::size_t next = after_blanks(code, at + name.size());
        if (next == code.npos || code[next] != '(' || !matches(ban, reach_of(code, at))) continue;
        findings.push_back({source.path, source.line_at(at), "",
                            std::string(name) + " is banned; use " + ban.instead});
    }
}

} // namespace

void check_calls(const Source& source, Findings& findings) {
    const bool is_library =
        source.is_under("src/") || source.is_under("include/") || source.is_under("examples/");
    const bool is_test = source.is_under("tests/") && !source.is_under("tests/support/");
    for (const Ban& ban : bans) {
        const bool is_exempt = ban.exempt != nullptr && source.is_under(ban.exempt);
        if (!is_exempt && (is_library || (is_test && ban.in_tests)))
            check_ban(source, ban, findings);
    }
}

} // namespace tidy
