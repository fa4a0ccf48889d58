// The check of docs/behaviour.md: a promise holds only if its test ran, asserted and passed.
#include "tidy.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

struct Case {
    const char* name;
    const char* cell;
    const char* reports;
    const char* want; ///< a part of the only message; empty for no finding
};

constexpr Case cases[] = {
    {"it passed", "`a b`", "a b\t1\t0\n", ""},
    {"it does not exist", "`a b`", "a\t1\t0\n", "no test named `a b` ran"},
    {"it asserted nothing", "`a`", "a\t0\t0\n", "`a` asserted nothing"},
    {"it asserted nothing in one of two runs", "`a`", "a\t3\t0\na\t0\t0\n", "asserted nothing"},
    {"it failed", "`a`", "a\t3\t1\n", "`a` failed"},
    {"it failed in one of two runs", "`a`", "a\t3\t1\na\t3\t0\n", "`a` failed"},
    {"the second name is wrong", "`a`, `b`", "a\t1\t0\n", "no test named `b` ran"},
    {"no name at all", "by hand", "a\t1\t0\n", "names no test"},
    {"every instance", "`a<*>`", "a<Epoll>\t1\t0\na<Poll>\t1\t0\n", ""},
    {"one instance of two", "`a<*>`", "a<Epoll>\t1\t0\na<Poll>\t0\t0\n", "`a<Poll>` asserted"},
    {"no instance", "`a<*>`", "a\t1\t0\nab<Poll>\t1\t0\n", "no test named `a<*>` ran"},
    {"an escaped bar", "`a \\| b`", "a | b\t1\t0\n", ""},
    {"a report that is no report", "`a`", "a\tmany\t0\n", "no test named `a` ran"},
};

std::string messages(const std::string& document, const char* reports) {
    std::string text;
    for (const auto& one : tidy::check_behaviour(tidy::Source("behaviour.md", document), reports))
        text += one.message + "\n";
    return text;
}

} // namespace

TEST_CASE("a documented rule stands only on a test that ran, asserted and passed") {
    for (const Case& one : cases) {
        CAPTURE(one.name);
        const std::string document =
            std::string("| rule | test |\n| --- | --- |\n| it works | ") + one.cell + " |\n";
        const std::string found = messages(document, one.reports);
        if (one.want[0] == '\0')
            CHECK(found == "");
        else
            CHECK(found.find(one.want) != std::string::npos);
    }
}

TEST_CASE("tables of other columns are no promises, and a document without promises is refused") {
    const std::string other = "| word | meaning |\n| --- | --- |\n| chunk | a lease |\n";
    CHECK(messages(other, "") == "no rule with a test was found\n");
}

TEST_CASE("a documented rule that one selector shows is shown by all that ran") {
    const tidy::Source document("behaviour.md", "| rule | test |\n| --- | --- |\n| r | `a` |\n");
    const auto found = [&](const char* poll, const char* other = "b\t1\t0\n") {
        std::string text;
        for (const auto& one :
             tidy::check_selectors(document, {{"net.x.epoll", "a\t2\t0\nb\t1\t0\n"},
                                              {"net.x.poll", poll},
                                              {"net.y.select", other},
                                              {"net.x.select", "a\t1\t0\n"},
                                              {"core.error", "c\t1\t0\n"}}))
            text += one.message + "\n";
        return text;
    };
    CHECK(found("a\t1\t0\n") == "");
    CHECK(found("a\t0\t0\n") == "`a` asserted nothing on poll\n");
    CHECK(found("b\t1\t0\n") == "`a` did not run on poll\n");
    CHECK(found("a\t0\t0\tWine cannot\n") == "");
    CHECK(found("a\t1\t0\n", "a\t1\t0\n") == "`a` did not run on epoll\n"
                                             "`a` did not run on poll\n");
}

TEST_CASE("a rule whose test says why it can show nothing here is excused") {
    const tidy::Source document("behaviour.md", "| rule | test |\n| --- | --- |\n| r | `a` |\n");
    CHECK(tidy::check_behaviour(document, "a\t0\t0\tskipped: for root\n").empty());
    CHECK(tidy::check_behaviour(document, "a\t0\t0\n").size() == 1);
    CHECK(tidy::check_behaviour(document, "a\t0\t0\tskipped: for root\na\t1\t1\n").size() == 1);
    CHECK(tidy::check_behaviour(document, "b\t0\t0\tskipped: for root\n").size() == 1);
    const auto as_root = tidy::Platform::posix_as_root;
    CHECK(tidy::check_behaviour(document, "a\t0\t0\tskipped: for root\n", as_root).size() == 1);
}

TEST_CASE("an entry that has no report of a selector is told") {
    const tidy::Source document("behaviour.md", "| rule | test |\n| --- | --- |\n| r | `a<*>` |\n");
    const auto findings =
        tidy::check_selectors(document, {{"x.epoll", "a<Epoll>\t2\t0\n"}, {"y.poll", "b\t1\t0\n"}});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].message == "`a` did not run on poll");
    CHECK(tidy::check_selectors(document,
                                {{"x.epoll", "a<Epoll>\t2\t0\n"}, {"x.poll", "a<Poll>\t1\t0\n"}})
              .empty());
}

TEST_CASE("documented rules are held against the reports of Windows too") {
    const tidy::Source document("behaviour.md",
                                "| rule | test |\n| --- | --- |\n| r | `all`, `posix` |\n\n"
                                "| difference | test on Windows |\n| --- | --- |\n| d | `own` |\n");
    const auto found = [&](const char* reports) {
        std::string text;
        for (const auto& one : tidy::check_behaviour(document, reports, tidy::Platform::windows))
            text += one.message + "\n";
        return text;
    };
    CHECK(found("all\t1\t0\nown\t1\t0\n") == "");
    CHECK(found("own\t1\t0\n") == "");
    CHECK(found("all\t0\t0\nown\t1\t0\n") == "`all` asserted nothing\n");
    CHECK(found("all\t0\t0\tskipped: Wine cannot\nown\t1\t0\n") == "");
    CHECK(found("all\t1\t0\n") == "no test named `own` ran\n");
    CHECK(found("all\t1\t0\nown\t0\t0\n") == "`own` asserted nothing\n");
    CHECK(found("all\t1\t1\nown\t1\t0\n") == "`all` failed\n");
}
