// Rules about what a file may see: platform switches, headers of the system, layers below.
#include "tidy.hpp"

#include <algorithm>
#include <array>

namespace tidy {
namespace {

constexpr std::array platform_macros = {"_WIN32", "__linux__", "__APPLE__", "__unix__", "_MSC_VER"};

constexpr std::array platform_places = {"src/win32/",
                                        "src/posix/",
                                        "tests/posix/",
                                        "tests/win32/",
                                        "tests/support/",
                                        "bench/",
                                        "include/tidemill/core/native.hpp"};

// Words that one compiler only knows; -Wpedantic lets those with underscores pass.
constexpr std::array extension_words = {"__attribute__",   "__extension__", "__typeof__",
                                        "__int128",        "__asm__",       "__builtin_prefetch",
                                        "__builtin_expect"};

constexpr std::array extension_places = {"bench/", "tests/", "tools/",
                                         "include/tidemill/core/inline.hpp"};

constexpr std::array system_headers = {
    "sys/",      "arpa/",      "netinet/",   "net/if",    "unistd.h",  "fcntl.h",
    "netdb.h",   "poll.h",     "pthread.h",  "sched.h",   "ifaddrs.h", "signal.h",
    "windows.h", "winsock2.h", "ws2tcpip.h", "mswsock.h", "afunix.h",  "winternl.h"};

constexpr std::array system_places = {"src/posix/", "src/win32/", "src/uv/"};

// The library uses it in one place; tests and benchmarks look behind it there.
constexpr std::array openssl_places = {"src/tls/",
                                       "tests/tls/",
                                       "bench/peers/libevent_tls_echo.cpp",
                                       "bench/raw_tls_echo.cpp",
                                       "bench/tls_flood.cpp",
                                       "bench/tls_wire.cpp"};

constexpr std::array heavy_headers = {"functional", "iostream", "map", "regex", "sstream"};

struct Layer {
    const char* name;
    std::array<const char*, 5> above; ///< layers that it must not know
};
constexpr Layer layers[] = {
    {"core/", {"net/", "tls/", "framing/", "service/", "testing/"}},
    {"net/", {"tls/", "framing/", "service/", "testing/", "testing/"}},
    {"tls/", {"service/", "service/", "service/", "service/", "service/"}},
    {"framing/", {"service/", "service/", "service/", "service/", "service/"}},
};

// Plain values that the socket seam below core speaks in.
constexpr std::array values_for_all = {"net/datagram.hpp", "net/endpoint.hpp", "net/icmp.hpp",
                                       "net/ip_address.hpp", "net/tcp_info.hpp"};

struct Include {
    std::size_t line;
    std::string_view header;
    bool angled;
};

// The directive is looked up in the code, the name in the text: a quoted name is a literal.
std::vector<Include> includes_of(const Source& source) {
    std::vector<Include> found;
    const auto texts = lines_of(source.text);
    const auto codes = lines_of(source.code);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::string_view code = trimmed(codes[i]);
        if (!code.starts_with('#') || !trimmed(code.substr(1)).starts_with("include")) continue;
        const std::size_t open = texts[i].find_first_of("<\"");
        if (open == std::string_view::npos) continue;
        const std::size_t close = texts[i].find_first_of(">\"", open + 1);
        found.push_back(
            {i + 1, texts[i].substr(open + 1, close - open - 1), texts[i][open] == '<'});
    }
    return found;
}

template <class Places> bool is_in(const Source& source, const Places& places) {
    return std::any_of(places.begin(), places.end(),
                       [&](const char* place) { return source.is_under(place); });
}

bool is_system_header(std::string_view header) {
    return std::any_of(system_headers.begin(), system_headers.end(),
                       [&](const char* known) { return header.starts_with(known); });
}

std::string refusal(const Source& source, std::string_view header) {
    const bool is_portable =
        source.is_public_header() || (source.is_under("src/") && !is_in(source, system_places));
    if (is_portable && is_system_header(header))
        return "a header of the operating system belongs into src/posix or src/win32";
    if (source.is_public_header() &&
        std::find(heavy_headers.begin(), heavy_headers.end(), header) != heavy_headers.end())
        return "too heavy for a public header";
    const bool may_use_openssl = is_in(source, openssl_places);
    if (header.starts_with("openssl/") && !may_use_openssl) return "OpenSSL stays in src/tls";
    return {};
}

} // namespace

void check_platform_switch(const Source& source, Findings& findings) {
    if (is_in(source, platform_places)) return;
    std::size_t number = 0;
    for (const std::string_view line : lines_of(source.code)) {
        ++number;
        const std::string_view directive = trimmed(line);
        if (!directive.starts_with('#') || directive.find("if") == directive.npos) continue;
        for (const char* macro : platform_macros)
            if (find_word(directive, macro, 0) != directive.npos)
                findings.push_back({source.path, number, "",
                                    std::string(macro) +
                                        ": platform switches live in src/posix, src/win32 and "
                                        "include/tidemill/core/native.hpp"});
    }
}

void check_includes(const Source& source, Findings& findings) {
    for (const Include& include : includes_of(source)) {
        if (!include.angled) continue;
        if (std::string reason = refusal(source, include.header); !reason.empty())
            findings.push_back({source.path, include.line, "",
                                "<" + std::string(include.header) + ">: " + reason});
    }
}

void check_extensions(const Source& source, Findings& findings) {
    if (is_in(source, extension_places)) return;
    for (const char* word : extension_words)
        for (std::size_t at = find_word(source.code, word, 0); at != std::string::npos;
             at = find_word(source.code, word, at + 1))
            findings.push_back({source.path, source.line_at(at), "",
                                std::string(word) +
                                    ": no other compiler has it; tidemill/core/inline.hpp "
                                    "names what is needed"});
}

void check_layers(const Source& source, Findings& findings) {
    for (const Layer& layer : layers) {
        const bool is_member = source.is_under(std::string("src/") + layer.name) ||
                               source.is_under(std::string("include/tidemill/") + layer.name);
        if (!is_member) continue;
        for (const Include& include : includes_of(source)) {
            const bool is_ours = !include.angled || include.header.starts_with("tidemill/");
            std::string_view header = include.header;
            if (header.starts_with("tidemill/")) header.remove_prefix(9);
            const bool is_above =
                std::any_of(layer.above.begin(), layer.above.end(),
                            [&](const char* above) { return header.starts_with(above); });
            const bool is_value = std::find(values_for_all.begin(), values_for_all.end(), header) !=
                                  values_for_all.end();
            if (is_ours && is_above && !is_value)
                findings.push_back({source.path, include.line, "",
                                    std::string(layer.name) + " must not know " +
                                        std::string(include.header) + ", a layer above it"});
        }
    }
}

} // namespace tidy
