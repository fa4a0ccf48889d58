// Each rule of tools/tidy against text that breaks it and text that only looks as if it did.
//
// The samples are string literals, which tidy blanks before it looks, so this file keeps the rules.
#include "tidy.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

struct Case {
    const char* name;
    const char* path;
    std::string text;
    std::string want; ///< `rule:line` of each finding, separated by blanks
};

std::string summary(const tidy::Findings& findings) {
    std::string text;
    for (const tidy::Finding& one : findings) {
        if (!text.empty()) text += ' ';
        text += one.rule + ":" + std::to_string(one.line);
    }
    return text;
}

std::string repeated(std::size_t count, const std::string& text) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += text;
    return all;
}

void check_all(std::span<const Case> cases) {
    for (const Case& one : cases) {
        CAPTURE(one.name);
        CHECK(summary(tidy::check(tidy::Source(one.path, one.text))) == one.want);
    }
}

} // namespace

TEST_CASE("tidy measures columns and lines, and finds marks of unfinished work") {
    const Case cases[] = {
        {"100 columns", "src/a.cpp", std::string(100, 'x') + "\n", ""},
        {"101 columns", "src/a.cpp", "\n" + std::string(101, 'x') + "\n", "columns:2"},
        {"characters, not bytes", "src/a.cpp", "// " + repeated(97, "\u00e4") + "\n", ""},
        {"prose may be wide", "docs/a.md", std::string(200, 'x') + "\n", ""},
        {"300 lines", "src/a.cpp", repeated(300, "\n"), ""},
        {"301 lines", "src/a.cpp", repeated(301, "\n"), "length:301"},
        {"public header", "include/tidemill/core/a.hpp", repeated(201, "\n"), "length:201"},
        {"29 lines of code", "examples/tcp_echo.cpp", "// Why.\n\n" + repeated(29, "a();\n"), ""},
        {"30 lines of code", "examples/tcp_echo.cpp", repeated(30, "a();\n"), "example:30"},
        {"a full example", "examples/echo_server.cpp", repeated(30, "a();\n"), ""},
        {"a mark in a comment", "src/a.cpp",
         "int a;\n// TO"
         "DO\n",
         "unfinished:2"},
        {"a mark in a script", "dev",
         "# FIX"
         "ME later\n",
         "unfinished:1"},
        {"a longer word", "dev", "mktemp a.XXXXXX\n", ""},
    };
    check_all(cases);
}

TEST_CASE("tidy keeps platform switches and system headers in their places") {
    const Case cases[] = {
        {"switch in portable code", "src/core/a.cpp", "#ifdef _WIN32\n#endif\n", "platform:1"},
        {"switch by defined()", "include/tidemill/a.hpp", "# if defined(__linux__)\n",
         "platform:1"},
        {"switch in posix", "src/posix/a.cpp", "#ifdef __linux__\n", ""},
        {"switch in native.hpp", "include/tidemill/core/native.hpp", "#ifdef _WIN32\n", ""},
        {"switch in a comment", "src/core/a.cpp", "// #ifdef _WIN32\n", ""},
        {"OpenSSL in net", "src/net/a.cpp", "#include <openssl/ssl.h>\n", "include:1"},
        {"OpenSSL in tls", "src/tls/a.cpp", "#include <openssl/ssl.h>\n", ""},
        {"system header, public", "include/tidemill/a.hpp", "#include <sys/types.h>\n",
         "include:1"},
        {"system header, portable", "src/core/a.cpp", "#include <unistd.h>\n", "include:1"},
        {"system header, posix", "src/posix/a.cpp", "#include <unistd.h>\n", ""},
        {"heavy header, public", "include/tidemill/a.hpp", "#include <functional>\n", "include:1"},
        {"heavy header, private", "src/core/a.hpp", "#include <functional>\n", ""},
        {"include in a comment", "include/tidemill/a.hpp", "/*\n#include <map>\n*/\n", ""},
        {"core knows net", "src/core/a.cpp", "#include \"net/a.hpp\"\n", "layer:1"},
        {"core knows net, public", "include/tidemill/core/a.hpp", "#include <tidemill/net/a.hpp>\n",
         "layer:1"},
        {"core knows a plain value", "src/core/a.hpp", "#include <tidemill/net/endpoint.hpp>\n",
         ""},
        {"net knows core", "src/net/a.cpp", "#include <tidemill/core/a.hpp>\n", ""},
    };
    check_all(cases);
}

TEST_CASE("tidy finds words that one compiler only knows") {
    const Case cases[] = {
        {"attribute", "src/core/a.cpp", "\nint f() __attribute__((cold));\n", "extension:2"},
        {"builtin", "src/win32/a.cpp", "__builtin_prefetch(a, 1);\n", "extension:1"},
        {"standard form", "src/core/a.cpp", "[[gnu::cold]] int f();\n", ""},
        {"in a comment", "src/core/a.cpp", "// __attribute__\n", ""},
        {"where they have names", "include/tidemill/core/inline.hpp", "__builtin_prefetch(a);\n",
         ""},
    };
    check_all(cases);
}

TEST_CASE("tidy finds banned calls, and only calls") {
    const Case cases[] = {
        {"plain", "src/a.cpp", "auto t = strerror(1);\n", "call:1"},
        {"std", "src/a.cpp", "\nauto t = std::strerror (1);\n", "call:2"},
        {"returned", "src/a.cpp", "int f() { return rand(); }\n", "call:1"},
        {"in a comment", "src/a.cpp", "// strerror(1)\n/* rand() */\n", ""},
        {"in a literal", "src/a.cpp", "auto t = \"rand()\";\nauto r = R\"(rand())\";\n", ""},
        {"after a digit separator", "src/a.cpp", "int a = 1'000; int b = rand();\n", "call:1"},
        {"a member of ours", "src/a.cpp", "stream.abort(); peer->abort();\n", ""},
        {"the real abort", "src/a.cpp", "std::abort();\n", "call:1"},
        {"where abort lives", "src/core/require.cpp", "std::abort();\n", ""},
        {"a declaration", "src/a.cpp", "Task<void> sleep(int);\nvoid signal(int);\n", ""},
        {"our sleep", "tests/a.cpp", "co_await sleep(loop, 5ms); tidemill::sleep(loop);\n", ""},
        {"their sleep", "tests/a.cpp", "::sleep(5);\nstd::this_thread::sleep_for(5ms);\n",
         "call:1 call:2"},
        {"signal in core", "src/core/a.cpp", "std::signal(1, f);\n", "call:1"},
        {"signal in posix", "src/posix/a.cpp", "std::signal(1, f);\n", ""},
        {"detach", "tests/a.cpp", "std::thread worker;\nworker.detach();\n", "call:2"},
        {"something else detaches", "src/a.cpp", "loop.detach(slot);\n", ""},
        {"not in a bench", "bench/a.cpp", "std::exit(1);\n", ""},
    };
    check_all(cases);
}

TEST_CASE("tidy measures functions by their braces") {
    const std::string short_body = "{\n" + repeated(68, "    a();\n") + "}\n";
    const std::string long_body = "{\n" + repeated(69, "    a();\n") + "}\n";
    const Case cases[] = {
        {"70 lines", "src/a.cpp", "void f() " + short_body, ""},
        {"71 lines", "src/a.cpp", "void f() " + long_body, "function:1"},
        {"a member", "src/a.cpp", "class C {\n    void f() const " + long_body + "};\n",
         "function:2"},
        {"a constructor", "src/a.cpp", "C::C() : a_{1}, b_{2} " + long_body, "function:1"},
        {"a template", "src/a.cpp", "template <class T> T f(T a = {}) " + long_body, "function:1"},
        {"a test", "tests/a.cpp", "\nTEST_CASE(\"x\") " + long_body, "function:2"},
        {"a class", "src/a.cpp", "class C : B<f()> " + repeated(1, long_body) + ";\n", ""},
        {"a namespace", "src/a.cpp", "namespace a " + long_body, ""},
        {"a table", "src/a.cpp", "const A a = " + long_body + ";\n", ""},
        {"a table inside", "tests/a.cpp", "void f() { const A a[] = " + long_body + "; g(); }\n",
         ""},
        {"a branch inside", "tests/a.cpp", "void f() { if (a == b) " + long_body + "}\n",
         "function:1"},
        {"braces in directives", "src/a.cpp", "#define A {\nvoid f() " + short_body, ""},
        {"only the outermost", "src/a.cpp", "void f() {\n if (a) " + long_body + "}\n",
         "function:1"},
    };
    check_all(cases);
}

TEST_CASE("tidy finds temporaries that GCC destroys twice") {
    const Case cases[] = {
        {"braced argument", "src/a.cpp", "co_await f(Options{1});\n", "await-temporary:1"},
        {"nested braces", "src/a.cpp", "auto r = co_await\n  f(g({1}));\n", "await-temporary:2"},
        {"capture by value", "src/a.cpp", "co_await f([x] { g(x); });\n", "await-temporary:1"},
        {"capture by default", "src/a.cpp", "co_await f([=] { g(x); });\n", "await-temporary:1"},
        {"capture that is made", "src/a.cpp", "co_await f([&a, x = g(1, 2)] {});\n",
         "await-temporary:1"},
        {"negated", "src/a.cpp", "if (!co_await f()) return;\n", "await-temporary:1"},
        {"negated in brackets", "src/a.cpp", "while (! (co_await f())) g();\n",
         "await-temporary:1"},
        {"no capture", "src/a.cpp", "co_await f([] { return Options{1}; });\n", ""},
        {"capture by reference", "src/a.cpp", "co_await f([&] { g(x); }, [&a, this] {});\n", ""},
        {"named first", "src/a.cpp", "Options o{1};\nco_await f(o, within(5s), a[1]);\n", ""},
        {"a condition", "src/a.cpp", "if (auto r = co_await f(); !r) { return; }\n", ""},
        {"a bare condition", "src/a.cpp", "if (co_await f(a)) return;\n", "await-temporary:1"},
        {"a bare loop", "src/a.cpp", "f();\nwhile ((co_await f(a)).b() == 1) g();\n",
         "await-temporary:2"},
        {"inside of a call", "src/a.cpp", "if (g(b(1), co_await f(a))) return;\n",
         "await-temporary:1"},
        {"a loop", "src/a.cpp", "while (auto r = co_await f(a)) { Options b{1}; }\n", ""},
        {"behind a condition", "src/a.cpp", "if (a(b)) co_await f(a);\n", ""},
        {"the second part", "src/a.cpp", "if (auto r = g(); co_await f(a)) return;\n", ""},
        {"an awaiter of the standard", "src/a.cpp", "co_await std::suspend_always{};\n", ""},
        {"an operator", "src/a.cpp", "A operator co_await() { return A(1); }\n", ""},
        {"in a literal", "src/a.cpp", "auto t = \"co_await f(A{1})\";\n", ""},
    };
    check_all(cases);
}

TEST_CASE("tidy finds coroutines that outlive the captures of their lambda") {
    const std::string lambda = "[&]() -> Task<void> { co_await f(); }";
    const std::string want = "lambda-coroutine:1";
    const Case cases[] = {
        {"spawned", "src/a.cpp", "scope.spawn(" + lambda + ");\n", ""},
        {"spawned when called", "src/a.cpp", "scope.spawn(" + lambda + "());\n", want},
        {"the same in a test", "tests/a.cpp", "scope.spawn(" + lambda + "());\n", want},
        {"a task from a dead closure", "tests/a.cpp", "auto t = " + lambda + "();\n", want},
        {"run to its end", "tests/a.cpp", "block_on(loop, " + lambda + "());\n", ""},
        {"awaited at once", "src/a.cpp", "co_await " + lambda + "();\n", ""},
        {"named, in a test", "tests/a.cpp", "auto child = " + lambda + ";\n", ""},
        {"named, in the library", "src/a.cpp", "auto child = " + lambda + ";\n", want},
        {"without captures", "src/a.cpp", "auto t = [](int) -> T { co_return; }(1);\n", ""},
        {"no coroutine", "src/a.cpp", "auto t = [&](int) { return g(); }(1);\n", ""},
        {"only a coroutine inside", "src/a.cpp", "auto t = [&] { s.spawn(" + lambda + "); };\n",
         ""},
        {"an attribute and an index", "src/a.cpp", "[[nodiscard]] int f() { return a[1]; }\n", ""},
        {"a binding", "src/a.cpp", "for (auto& [a, b] : m) { co_await f(a, b); }\n", ""},
    };
    check_all(cases);
}

TEST_CASE("tidy finds sources that no target builds") {
    const std::string files[] = {"src/a.cpp", "src/b.cpp", "src/a.hpp", "src/win32/c.cpp"};
    const auto findings =
        tidy::unbuilt_sources(files, "/tree", "[{\n  \"file\": \"/tree/src/a.cpp\"\n}]");
    CHECK(summary(findings) == "unbuilt:1");
    CHECK(findings.at(0).path == "src/b.cpp");
}
