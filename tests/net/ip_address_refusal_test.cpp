// Which texts IpAddress::parse refuses, and for what reason.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <tidemill/net/ip_address.hpp>

using namespace tidemill;
using namespace std::string_view_literals;

TEST_CASE("text that is no address is refused, and the message says why") {
    struct Case {
        std::string_view text;
        std::string_view reason;
    };
    constexpr std::string_view four_numbers = "an IPv4 address has four numbers";
    constexpr std::string_view bad_part = "a part of the IPv4 address is not a decimal number";
    constexpr std::string_view bad_group = "a group of the IPv6 address is not one to four hex";
    const std::string huge(1'000'000, '1');
    const std::string many_groups = [] {
        std::string text = "1";
        for (int i = 0; i < 100'000; ++i) text += ":1";
        return text;
    }();
    const std::array cases = {
        Case{"", "the address is missing"},
        Case{"1", four_numbers},
        Case{"1.2.3", four_numbers},
        Case{"1.2.3.", "a part of the IPv4 address is missing"},
        Case{"1.2.3.4.", four_numbers},
        Case{"1.2.3.4.5", four_numbers},
        Case{".1.2.3", "a part of the IPv4 address is missing"},
        Case{"1..2.3", "a part of the IPv4 address is missing"},
        Case{"...", "a part of the IPv4 address is missing"},
        Case{"localhost", four_numbers},
        Case{"www.example.co.uk", bad_part},
        Case{"01.2.3.4", "leading zero"},
        Case{"1.2.3.00", "leading zero"},
        Case{"0x1.2.3.4", bad_part},
        Case{"1.2.3.256", "over 255"},
        Case{"1.2.3.4294967296", "over 255"},
        Case{"1.2.3.99999999999999999999", "over 255"},
        Case{"1.2.3.-4", bad_part},
        Case{"+1.2.3.4", bad_part},
        Case{" 1.2.3.4", bad_part},
        Case{"1.2.3.4 ", bad_part},
        Case{"1.2.3.4\n", bad_part},
        Case{"1.2.3.4\0"sv, bad_part},
        Case{"1.2.3\0.4"sv, bad_part},
        Case{"\0"sv, four_numbers},
        Case{"1.2.3.4%1", "only an IPv6 address has a scope"},
        Case{"1.2.3.4/8", bad_part},
        Case{"1.2.3.4:80", "an IPv4 address stands before a colon"},
        Case{"\xd9\xa1.2.3.4", bad_part},
        Case{":", "begins with a single colon"},
        Case{":::", bad_group},
        Case{"::::", bad_group},
        Case{"1:::2", bad_group},
        Case{"1:::", bad_group},
        Case{":1:2:3:4:5:6:7", "begins with a single colon"},
        Case{":1::2", "begins with a single colon"},
        Case{"1:2:3:4:5:6:7:", "ends with a single colon"},
        Case{"1::2:", "ends with a single colon"},
        Case{"1::2::3", "\"::\" more than once"},
        Case{"::1::", "\"::\" more than once"},
        Case{"12345::", bad_group},
        Case{"00001::", bad_group},
        Case{"g::", bad_group},
        Case{"0x1::", bad_group},
        Case{"-1::", bad_group},
        Case{"+1::", bad_group},
        Case{":: 1", bad_group},
        Case{"::1 ", bad_group},
        Case{" ::1", bad_group},
        Case{"::1\0"sv, bad_group},
        Case{"::\0"sv, bad_group},
        Case{"::1/64", bad_group},
        Case{"1:2:3:4:5:6:7", "without \"::\" has eight groups"},
        Case{"1:2", "without \"::\" has eight groups"},
        Case{"1:2:3:4:5:6:7:8:9", "more than eight groups"},
        Case{"1:2:3:4:5:6:7:8::", "\"::\" beside eight groups"},
        Case{"::1:2:3:4:5:6:7:8", "\"::\" beside eight groups"},
        Case{"1:2:3:4::5:6:7:8", "\"::\" beside eight groups"},
        Case{"1:2:3:4:5:6:7:1.2.3.4", "more than eight groups"},
        Case{"1:2:3:4:5:1.2.3.4", "without \"::\" has eight groups"},
        Case{"::1:2:3:4:5:6:1.2.3.4", "\"::\" beside eight groups"},
        Case{"::1.2.3", four_numbers},
        Case{"::1.2.3.256", "over 255"},
        Case{"::01.2.3.4", "leading zero"},
        Case{"::1.2.3.4:5", "an IPv4 address stands before a colon"},
        Case{"::1.2.3.4::", "an IPv4 address stands before a colon"},
        Case{"1.2.3.4::", "an IPv4 address stands before a colon"},
        Case{"[::1]", "brackets belong to an address with a port"},
        Case{"[1.2.3.4]", "brackets belong to an address with a port"},
        Case{"::1]", bad_group},
        Case{"::1%", "the scope after % is missing"},
        Case{"fe80::1%eth0", "names of interfaces"},
        Case{"fe80::1%1%2", "names of interfaces"},
        Case{"fe80::1%-1", "names of interfaces"},
        Case{"fe80::1% 1", "names of interfaces"},
        Case{"fe80::1%1\0"sv, "names of interfaces"},
        Case{"fe80::1%01", "leading zero"},
        Case{"fe80::1%4294967296", "over 4294967295"},
        Case{"%1", "only an IPv6 address has a scope"},
        Case{"%::1", "without \"::\" has eight groups"},
        Case{huge, four_numbers},
        Case{many_groups, "more than eight groups"},
    };
    for (const Case& c : cases) {
        const std::string_view shown = c.text.substr(0, 60);
        CAPTURE(shown);
        const auto parsed = IpAddress::parse(c.text);
        REQUIRE(!parsed);
        const std::string line = parsed.error().message();
        CAPTURE(line);
        CHECK(parsed.error() == Errc::invalid_address);
        CHECK(line.find(c.reason) != std::string::npos);
        CHECK(line.size() < 300);
    }
}

TEST_CASE("a refusal reads as one line for people") {
    CHECK(IpAddress::parse("1.2.3").error().message() ==
          "\"1.2.3\" (an IPv4 address has four numbers with dots between them; expected 1.2.3.4 "
          "or fe80::1%2): not a valid address");
}
