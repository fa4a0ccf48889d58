// Reading and printing endpoints, and how a refusal is worded. No socket is involved.
#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <tidemill/net/endpoint.hpp>
#include <unordered_set>

using namespace tidemill;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view expected_form =
    "; expected 1.2.3.4:80 or [::1]:80): not a valid address";

Endpoint endpoint(std::string_view text) {
    const auto parsed = Endpoint::parse(text);
    REQUIRE_MESSAGE(parsed, parsed.error().message());
    return *parsed;
}

std::string refusal(std::string_view text) {
    const auto parsed = Endpoint::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error() == Errc::invalid_address);
    return parsed.error().message();
}

/// The part of a refusal between its outer quotation marks.
std::string quotation(std::string_view text) {
    const std::string line = refusal(text);
    return line.substr(1, line.rfind("\" (") - 1);
}

} // namespace

TEST_CASE("an endpoint holds what it was made of") {
    constexpr Endpoint made(IpAddress::loopback_v4(), 8080);
    CHECK(made.address() == IpAddress::loopback_v4());
    CHECK(made.port() == 8080);
    CHECK(Endpoint().to_string() == "0.0.0.0:0");
}

TEST_CASE("an endpoint is read and printed with the address in canonical form") {
    struct Case {
        std::string_view text;
        std::string_view printed;
    };
    constexpr std::array cases = {
        Case{"1.2.3.4:80", "1.2.3.4:80"},
        Case{"0.0.0.0:0", "0.0.0.0:0"},
        Case{"255.255.255.255:65535", "255.255.255.255:65535"},
        Case{"[::1]:80", "[::1]:80"},
        Case{"[::]:0", "[::]:0"},
        Case{"[0:0:0:0:0:0:0:1]:443", "[::1]:443"},
        Case{"[2001:DB8::0:1]:443", "[2001:db8::1]:443"},
        Case{"[fe80::1%2]:80", "[fe80::1%2]:80"},
        Case{"[fe80::1%0]:80", "[fe80::1]:80"},
        Case{"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(endpoint(c.text).to_string() == c.printed);
    }
    CHECK(endpoint("[fe80::1%2]:80") == Endpoint(*IpAddress::parse("fe80::1%2"), 80));
}

TEST_CASE("text that is no endpoint is refused with a quotation, the reason and a right form") {
    struct Case {
        std::string_view text;
        std::string_view reason;
    };
    constexpr std::string_view not_decimal = "the port is not a decimal number";
    constexpr std::string_view brackets =
        "it has several colons, and an IPv6 address needs brackets";
    constexpr std::string_view bad_part = "a part of the IPv4 address is not a decimal number";
    constexpr std::array cases = {
        Case{"", "the text is empty"},
        Case{":", "the address is missing"},
        Case{":80", "the address is missing"},
        Case{"80", "the port is missing"},
        Case{"1.2.3.4", "the port is missing"},
        Case{"1.2.3.4:", "the port is missing"},
        Case{"1.2.3.4:65536", "the port is over 65535"},
        Case{"1.2.3.4:4294967376", "the port is over 65535"},
        Case{"1.2.3.4:18446744073709551696", "the port is over 65535"},
        Case{"1.2.3.4:+1", not_decimal},
        Case{"1.2.3.4:-1", not_decimal},
        Case{"1.2.3.4: 80", not_decimal},
        Case{"1.2.3.4:80 ", not_decimal},
        Case{"1.2.3.4:0x50", not_decimal},
        Case{"1.2.3.4:http", not_decimal},
        Case{"1.2.3.4:080", "the port has a leading zero"},
        Case{"1.2.3.4:00", "the port has a leading zero"},
        Case{" 1.2.3.4:80", bad_part},
        Case{"1.2.3.256:80", "a part of the IPv4 address is over 255"},
        Case{"01.2.3.4:80", "a part of the IPv4 address has a leading zero"},
        Case{"1.2.3:80", "an IPv4 address has four numbers with dots between them"},
        Case{"localhost:80", "an IPv4 address has four numbers with dots between them"},
        Case{"1.2.3.4%1:80", "only an IPv6 address has a scope"},
        Case{"1.2.3.4:80:90", brackets},
        Case{"::1:80", brackets},
        Case{"::1", brackets},
        Case{"fe80::1%2:80", brackets},
        Case{"[", "the closing bracket is missing"},
        Case{"[::1", "the closing bracket is missing"},
        Case{"[::1:80", "the closing bracket is missing"},
        Case{"[]", "the port is missing"},
        Case{"[]:80", "the address is missing"},
        Case{"[::1]", "the port is missing"},
        Case{"[::1]:", "the port is missing"},
        Case{"[::1]80", "a colon must follow the closing bracket"},
        Case{"[::1]]:80", "a colon must follow the closing bracket"},
        Case{"[::1] :80", "a colon must follow the closing bracket"},
        Case{"[::1]::80", not_decimal},
        Case{"[::1]:80]", not_decimal},
        Case{"[::1]:65536", "the port is over 65535"},
        Case{"[[::1]]:80", "a colon must follow the closing bracket"},
        Case{"[1.2.3.4]:80", "brackets hold an IPv6 address only"},
        Case{"[::1%]:80", "the scope after % is missing"},
        Case{"::1]:80", brackets},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(refusal(c.text) == '"' + std::string(c.text) + "\" (" + std::string(c.reason) +
                                     std::string(expected_form));
    }
}

TEST_CASE("bytes that do not print are escaped in the quotation") {
    struct Case {
        std::string_view text;
        std::string_view quotation;
    };
    constexpr std::array cases = {
        Case{"1.2.3.4:80\0"sv, R"(1.2.3.4:80\x00)"},
        Case{"1.2.3.4\0:80"sv, R"(1.2.3.4\x00:80)"},
        Case{"a\r\n\t", R"(a\x0d\x0a\x09)"},
        Case{"say \"no\"", R"(say \"no\")"},
        Case{"C:\\", R"(C:\\)"},
        Case{"\x1b[31m", R"(\x1b[31m)"},
        Case{"\xff\x7f~", R"(\xff\x7f~)"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.quotation);
        CHECK(quotation(c.text) == c.quotation);
    }
}

TEST_CASE("the quotation has at most 80 characters and never ends inside an escape") {
    CHECK(quotation(std::string(80, 'x')) == std::string(80, 'x'));
    CHECK(quotation(std::string(81, 'x')) == std::string(77, 'x') + "...");
    CHECK(quotation(std::string(1'000'000, 'x')) == std::string(77, 'x') + "...");
    for (std::size_t length = 70; length <= 80; ++length) {
        CAPTURE(length);
        const std::string shown = quotation(std::string(length, 'x') + "\n\n\n");
        CHECK(shown.size() <= 80);
        CHECK(shown.size() >= 77 - 3);
        const std::string kept = shown.substr(0, shown.find_last_not_of('.') + 1);
        CHECK((kept.back() == 'x' || kept.ends_with("\\x0a")));
    }
}

TEST_CASE("text of any length is refused with a short message") {
    const std::string huge(10'000'000, '1');
    for (const std::string& text : {huge, huge + ":80", "[" + huge + "]:80", "1.2.3.4:" + huge,
                                    "[::" + huge + "]:80", "[::1%" + huge + "]:80"})
        CHECK(refusal(text).size() < 300);
}

TEST_CASE("what was printed is read back as the same endpoint") {
    std::mt19937 random(22); // NOLINT: a fixed seed is the point
    for (int i = 0; i < 3'000; ++i) {
        std::array<std::uint8_t, 16> bytes{};
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        const auto port = static_cast<std::uint16_t>(random());
        const auto scope_id = static_cast<std::uint32_t>(i % 2 == 0 ? 0 : random());
        const Endpoint six(IpAddress::v6(bytes, scope_id), port);
        const Endpoint four(IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}), port);
        CAPTURE(six.to_string());
        REQUIRE(Endpoint::parse(six.to_string()) == six);
        REQUIRE(Endpoint::parse(four.to_string()) == four);
    }
}

TEST_CASE("endpoints are ordered by address, then by port") {
    constexpr std::array ascending = {"1.2.3.4:1", "1.2.3.4:256", "1.2.3.5:0", "[::]:9", "[::1]:1"};
    for (std::size_t i = 0; i < ascending.size(); ++i)
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            CAPTURE(ascending[i]);
            CAPTURE(ascending[j]);
            CHECK((endpoint(ascending[i]) < endpoint(ascending[j])) == (i < j));
            CHECK((endpoint(ascending[i]) == endpoint(ascending[j])) == (i == j));
        }
}

TEST_CASE("the hash tells neighbouring ports and addresses apart") {
    std::unordered_set<std::size_t> hashes;
    for (std::uint8_t host = 0; host < 64; ++host)
        for (std::uint16_t port = 0; port < 64; ++port)
            hashes.insert(std::hash<Endpoint>()(Endpoint(IpAddress::v4({10, 0, 0, host}), port)));
    CHECK(hashes.size() > 4'090);
    std::unordered_set<Endpoint> seen = {endpoint("[::1]:80")};
    CHECK(seen.contains(endpoint("[0::1]:80")));
    CHECK(!seen.contains(endpoint("[::1]:81")));
}
