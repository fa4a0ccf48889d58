// IpAddress: predicates, hash, and the canonical text of RFC 5952.
//
// RFC 5952 in short: lower case, no leading zeros, "::" for the longest run of zero groups (the
// first of equals) and never for a single group, and the dotted form inside mapped addresses.
#include <tidemill/net/ip_address.hpp>

#include "net/address_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

namespace tidemill {
namespace {

static_assert(std::is_trivially_copyable_v<IpAddress> && sizeof(IpAddress) <= 24,
              "an IpAddress is copied around as freely as a number");

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

using Groups = std::array<std::uint16_t, 8>;

/// Half-open range of groups that "::" stands for; empty when there is none.
struct ZeroRun {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t length() const { return end - begin; }
};

void append_number(std::string& text, std::uint32_t number, int base = 10) {
    std::array<char, 10> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    text.append(digits.data(), end);
}

void append_dotted(std::string& text, std::span<const std::uint8_t> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0) text += '.';
        append_number(text, bytes[i]);
    }
}

Groups groups_of(std::span<const std::uint8_t> bytes) {
    Groups groups{};
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    return groups;
}

ZeroRun longest_zero_run(const Groups& groups) {
    ZeroRun longest;
    ZeroRun current;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] != 0) current.begin = i + 1;
        current.end = i + 1;
        if (current.length() > longest.length()) longest = current;
    }
    return longest.length() > 1 ? longest : ZeroRun{};
}

void append_groups(std::string& text, const Groups& groups) {
    const ZeroRun gap = longest_zero_run(groups);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (gap.length() > 0 && i == gap.begin) {
            text += "::";
            i = gap.end - 1;
            continue;
        }
        if (i > 0 && i != gap.end) text += ':';
        append_number(text, groups[i], 16);
    }
}

bool is_all_zero(std::span<const std::uint8_t> bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

} // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    const auto address = detail::parse_address(text);
    if (!address)
        return failure(detail::refused_address(text, address.error(), "1.2.3.4 or fe80::1%2"));
    return *address;
}

std::string IpAddress::to_string() const {
    std::string text;
    if (is_v4()) {
        append_dotted(text, bytes());
    } else if (is_v4_mapped()) {
        text = "::ffff:";
        append_dotted(text, bytes().last(4));
    } else {
        append_groups(text, groups_of(bytes()));
    }
    if (scope_id_ != 0) append_number(text += '%', scope_id_);
    return text;
}

bool IpAddress::is_loopback() const noexcept {
    const IpAddress address = unmapped();
    if (address.is_v4()) return address.bytes_[0] == 127;
    return address.bytes_ == loopback_v6().bytes_;
}

bool IpAddress::is_any() const noexcept { return is_all_zero(unmapped().bytes()); }

bool IpAddress::is_multicast() const noexcept {
    const IpAddress address = unmapped();
    return address.is_v4() ? address.bytes_[0] >> 4 == 0xe : address.bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const noexcept {
    const IpAddress address = unmapped();
    if (address.is_v4()) return address.bytes_[0] == 169 && address.bytes_[1] == 254;
    return address.bytes_[0] == 0xfe && address.bytes_[1] >> 6 == 0b10;
}

bool IpAddress::is_v4_mapped() const noexcept {
    return is_v6() && std::ranges::equal(bytes().first(mapped_prefix.size()), mapped_prefix);
}

IpAddress IpAddress::unmapped() const noexcept {
    if (!is_v4_mapped()) return *this;
    return v4({bytes_[12], bytes_[13], bytes_[14], bytes_[15]});
}

} // namespace tidemill

std::size_t
std::hash<tidemill::IpAddress>::operator()(const tidemill::IpAddress& address) const noexcept {
    // FNV-1a. The two families cannot meet by accident: they hash different numbers of bytes.
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t state = 0xcbf29ce484222325;
    for (const std::uint8_t byte : address.bytes()) state = (state ^ byte) * prime;
    state = (state ^ address.scope_id()) * prime;
    return static_cast<std::size_t>(state ^ state >> 32);
}
