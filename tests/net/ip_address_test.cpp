// Reading and printing addresses, and what is said about them. No socket is involved.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <tidemill/net/ip_address.hpp>
#include <unordered_set>
#include <vector>

using namespace tidemill;
using namespace std::string_view_literals;

namespace {

IpAddress address(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    REQUIRE_MESSAGE(parsed, parsed.error().message());
    return *parsed;
}

std::string printed(std::string_view text) { return address(text).to_string(); }

/// Zero groups are as likely as all others together, so that "::" is met in every place.
IpAddress random_address(std::mt19937& random) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        if (random() % 2 == 0) continue;
        const auto digits = random() % 17;
        const auto group = random() & ((1U << digits) - 1);
        bytes[i] = static_cast<std::uint8_t>(group >> 8);
        bytes[i + 1] = static_cast<std::uint8_t>(group & 0xff);
    }
    if (random() % 4 == 0) return IpAddress::v4({bytes[0], bytes[3], bytes[7], bytes[15]});
    if (random() % 8 == 0) {
        std::fill_n(bytes.begin(), 10, std::uint8_t{0});
        bytes[10] = bytes[11] = 0xff;
    }
    return IpAddress::v6(bytes, random() % 4 == 0 ? static_cast<std::uint32_t>(random()) : 0);
}

} // namespace

TEST_CASE("makers give the address that their name says") {
    CHECK(IpAddress().to_string() == "0.0.0.0");
    CHECK(IpAddress::any_v4().to_string() == "0.0.0.0");
    CHECK(IpAddress::any_v6().to_string() == "::");
    CHECK(IpAddress::loopback_v4().to_string() == "127.0.0.1");
    CHECK(IpAddress::loopback_v6().to_string() == "::1");
    CHECK(IpAddress::v4({1, 2, 3, 4}).to_string() == "1.2.3.4");
    CHECK(IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 7).to_string() ==
          "fe80::1%7");
}

TEST_CASE("an address is printed in the one canonical form of RFC 5952") {
    struct Case {
        std::string_view text;
        std::string_view canonical;
    };
    constexpr std::array cases = {
        // Section 1: eight ways to write one address.
        Case{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        Case{"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        Case{"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
        Case{"2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"},
        Case{"2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"},
        Case{"2001:db8:0:0:1::1", "2001:db8::1:0:0:1"},
        Case{"2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"},
        Case{"2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"},
        // 2.1 and 4.1: leading zeros go, the last zero of a group stays.
        Case{"2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"},
        Case{"2001:0db8::0001", "2001:db8::1"},
        Case{"2001:db8:aaaa:bbbb:cccc:dddd:0:1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"},
        Case{"0:0:0:0:0:0:0:0", "::"},
        Case{"0000:0000:0000:0000:0000:0000:0000:0000", "::"},
        // 4.2.1: shortened as much as possible.
        Case{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
        Case{"2001:db8::0:1", "2001:db8::1"},
        Case{"0:0:0:0:0:0:0:1", "::1"},
        Case{"1:0:0:0:0:0:0:0", "1::"},
        // 4.2.2: not for a single group.
        Case{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        Case{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        Case{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        // 4.2.3: the longest run, and of equals the first.
        Case{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        Case{"2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"},
        Case{"0:0:1:0:0:1:0:0", "::1:0:0:1:0:0"},
        Case{"0:0:1:0:0:0:1:0", "0:0:1::1:0"},
        Case{"0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"},
        // 4.3: lower case.
        Case{"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
        // 5: the dotted form where the prefix tells that IPv4 is inside, and nowhere else.
        Case{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        Case{"::FFFF:c000:201", "::ffff:192.0.2.1"},
        Case{"0:0:0:0:0:ffff:0:0", "::ffff:0.0.0.0"},
        Case{"::192.0.2.1", "::c000:201"},
        Case{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        Case{"1:2:3:4:5:6:255.255.255.255", "1:2:3:4:5:6:ffff:ffff"},
        Case{"1::6:1.2.3.4", "1::6:102:304"},
        Case{"::ffff:0:1.2.3.4", "::ffff:0:102:304"},
        // IPv4 has one form only.
        Case{"0.0.0.0", "0.0.0.0"},
        Case{"10.20.30.40", "10.20.30.40"},
        Case{"255.255.255.255", "255.255.255.255"},
        // Scopes.
        Case{"fe80::1%2", "fe80::1%2"},
        Case{"fe80::1%0", "fe80::1"},
        Case{"FF02::FB%4294967295", "ff02::fb%4294967295"},
        Case{"::%1", "::%1"},
        Case{"::ffff:1.2.3.4%5", "::ffff:1.2.3.4%5"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(printed(c.text) == c.canonical);
    }
}

TEST_CASE("what was printed is read back as the same address") {
    std::mt19937 random(20); // NOLINT: a fixed seed is the point
    for (int i = 0; i < 5'000; ++i) {
        const IpAddress original = random_address(random);
        CAPTURE(original.to_string());
        const auto parsed = IpAddress::parse(original.to_string());
        REQUIRE(parsed);
        REQUIRE(*parsed == original);
    }
}

TEST_CASE("no damaged text is accepted without having one canonical form") {
    constexpr std::string_view alphabet = "0123456789afAFg:::...%[]- \0"sv;
    std::mt19937 random(21); // NOLINT: a fixed seed is the point
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text = random_address(random).to_string();
        // One draw a statement: the order of evaluation must not decide what is tested.
        const std::size_t place = random() % text.size();
        const std::size_t removed_count = random() % 3;
        const std::size_t inserted_count = random() % 2;
        const char inserted = alphabet[random() % alphabet.size()];
        text.replace(place, removed_count, inserted_count, inserted);
        const auto parsed = IpAddress::parse(text);
        if (!parsed) continue;
        ++accepted;
        CAPTURE(text);
        REQUIRE(IpAddress::parse(parsed->to_string()) == *parsed);
    }
    CHECK(accepted > 1'000);
    CHECK(accepted < 19'000);
}

TEST_CASE("predicates know their ranges to the last address") {
    using Predicate = bool (IpAddress::*)() const noexcept;
    struct Case {
        Predicate predicate;
        std::vector<std::string_view> inside;
        std::vector<std::string_view> outside;
    };
    const std::array cases = {
        Case{&IpAddress::is_loopback,
             {"127.0.0.0", "127.255.255.255", "::1", "::1%3", "::ffff:127.0.0.1"},
             {"126.255.255.255", "128.0.0.0", "::", "::2", "1::1", "::127.0.0.1", "0.0.0.1"}},
        Case{&IpAddress::is_any,
             {"0.0.0.0", "::", "::%3", "::ffff:0.0.0.0"},
             {"0.0.0.1", "1.0.0.0", "::1", "8000::", "::fffe:0.0.0.0"}},
        Case{&IpAddress::is_multicast,
             {"224.0.0.0", "239.255.255.255", "ff00::", "ff02::1%2", "::ffff:224.0.0.1"},
             {"223.255.255.255", "240.0.0.0", "feff::", "::ff00", "0.0.0.224"}},
        Case{&IpAddress::is_link_local,
             {"169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::1%2", "::ffff:169.254.1.1"},
             {"169.253.255.255", "169.255.0.0", "168.254.0.0", "fe7f::", "fec0::", "ff02::1"}},
        Case{&IpAddress::is_v4_mapped,
             {"::ffff:0:0", "::ffff:255.255.255.255", "::ffff:1.2.3.4%1"},
             {"1.2.3.4", "::fffe:1.2.3.4", "::feff:1.2.3.4", "::1.2.3.4", "1::ffff:1.2.3.4"}},
    };
    for (const Case& c : cases) {
        CAPTURE(&c - cases.data());
        for (const std::string_view text : c.inside)
            CHECK_MESSAGE((address(text).*c.predicate)(), text);
        for (const std::string_view text : c.outside)
            CHECK_MESSAGE(!(address(text).*c.predicate)(), text);
    }
}

TEST_CASE("an address is of one family") {
    CHECK(IpAddress::any_v4().is_v4());
    CHECK(!IpAddress::any_v4().is_v6());
    CHECK(IpAddress::any_v6().is_v6());
    CHECK(!IpAddress::any_v6().is_v4());
    CHECK(address("::ffff:1.2.3.4").is_v6());
}

TEST_CASE("only a mapped address changes when it is unmapped") {
    CHECK(address("::ffff:1.2.3.4").unmapped() == address("1.2.3.4"));
    CHECK(address("::ffff:1.2.3.4%9").unmapped() == address("1.2.3.4"));
    for (const auto text : {"1.2.3.4", "::1.2.3.4", "::", "fe80::1%2", "::ffff:0:1.2.3.4"})
        CHECK(address(text).unmapped() == address(text));
}

TEST_CASE("bytes are in network order, four or sixteen of them") {
    const IpAddress four = address("1.2.3.4");
    const std::array<std::uint8_t, 4> four_bytes = {1, 2, 3, 4};
    CHECK(std::ranges::equal(four.bytes(), four_bytes));
    const IpAddress sixteen = address("102:304:506:708:90a:b0c:d0e:f10%8");
    const std::array<std::uint8_t, 16> sixteen_bytes = {1, 2,  3,  4,  5,  6,  7,  8,
                                                        9, 10, 11, 12, 13, 14, 15, 16};
    CHECK(std::ranges::equal(sixteen.bytes(), sixteen_bytes));
    CHECK(sixteen.scope_id() == 8);
    CHECK(four.scope_id() == 0);
}

TEST_CASE("addresses are ordered by family, bytes and scope") {
    constexpr std::array ascending = {"0.0.0.0", "1.2.3.4", "1.2.4.0",   "255.0.0.0", "::",
                                      "::%1",    "::1",     "1:2::%255", "1:2::3",    "ff02::1"};
    for (std::size_t i = 0; i < ascending.size(); ++i)
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            CAPTURE(ascending[i]);
            CAPTURE(ascending[j]);
            const auto order = address(ascending[i]) <=> address(ascending[j]);
            CHECK((order < 0) == (i < j));
            CHECK((order == 0) == (i == j));
            CHECK((address(ascending[i]) == address(ascending[j])) == (i == j));
        }
}

TEST_CASE("the hash tells family, bytes and scope apart") {
    const std::hash<IpAddress> hash;
    std::unordered_set<std::size_t> hashes;
    for (const auto text : {"1.2.3.4", "::1.2.3.4", "::ffff:1.2.3.4", "102:304::", "102:304::%1"})
        CHECK_MESSAGE(hashes.insert(hash(address(text))).second, text);
    for (std::uint8_t high = 0; high < 64; ++high)
        for (std::uint8_t low = 0; low < 64; ++low)
            hashes.insert(hash(IpAddress::v4({10, 0, high, low})));
    CHECK(hashes.size() > 4'095);
}

TEST_CASE("equal addresses are one key of a hash table, whatever text they came from") {
    const std::unordered_set<IpAddress> keys = {address("102:304::%1")};
    CHECK(keys.contains(address("102:0304:0::0%1")));
    CHECK(!keys.contains(address("102:304::")));
}
