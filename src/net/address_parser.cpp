// Reads IPv4 and IPv6 addresses by the strictest reading of RFC 4291 section 2.2 and RFC 6943.
//
// The hard idea is "::". Groups are written one after another, and the place of the gap is
// remembered; when the text is over, what came after the gap moves to the end of the sixteen
// bytes. A gap stands for at least one group, so it is refused beside eight groups.
// Every function stops at the first fault, so text of any length costs one scan at most.
#include "net/address_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <system_error>

namespace tidemill::detail {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view decimal_digits = "0123456789";

tl::unexpected<std::string> because(std::string reason) {
    return tl::unexpected<std::string>(std::move(reason));
}

/// Takes the text up to `separator` away from `rest`, and the separator too.
std::string_view take_until(std::string_view& rest, char separator) {
    const std::string_view piece = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
    return piece;
}

Parsed<std::array<std::uint8_t, 4>> parse_dotted_quad(std::string_view text) {
    if (std::ranges::count(text, '.') != 3)
        return because("an IPv4 address has four numbers with dots between them");
    std::array<std::uint8_t, 4> bytes{};
    for (std::uint8_t& byte : bytes) {
        const auto number = parse_decimal(take_until(text, '.'), 255, "a part of the IPv4 address");
        if (!number) return because(number.error());
        byte = static_cast<std::uint8_t>(*number);
    }
    return bytes;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    std::uint16_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value, 16);
    if (fault != std::errc() || stop != end) return std::nullopt;
    return value;
}

/// Collects the bytes of one IPv6 address, without its scope.
class Ipv6Parser {
public:
    Parsed<std::array<std::uint8_t, 16>> parse(std::string_view text) {
        rest_ = text;
        if (rest_.starts_with("::"))
            take_gap();
        else if (rest_.starts_with(':'))
            return because("an IPv6 address begins with a single colon");
        while (!rest_.empty())
            if (auto step = parse_piece(); !step) return because(step.error());
        return finish();
    }

private:
    Parsed<void> parse_piece() {
        const std::string_view piece = rest_.substr(0, rest_.find(':'));
        rest_.remove_prefix(piece.size());
        if (auto stored = store(piece); !stored) return stored;
        if (rest_ == ":") return because("an IPv6 address ends with a single colon");
        if (!rest_.starts_with("::")) {
            rest_.remove_prefix(std::min<std::size_t>(rest_.size(), 1));
            return {};
        }
        if (gap_) return because("an IPv6 address has \"::\" more than once");
        take_gap();
        return {};
    }

    Parsed<void> store(std::string_view piece) {
        if (piece.find('.') != npos) return store_dotted_quad(piece);
        const auto group = parse_group(piece);
        if (!group) return because("a group of the IPv6 address is not one to four hex digits");
        const std::array bytes = {static_cast<std::uint8_t>(*group >> 8),
                                  static_cast<std::uint8_t>(*group & 0xff)};
        return append(bytes);
    }

    Parsed<void> store_dotted_quad(std::string_view piece) {
        if (!rest_.empty()) return because("an IPv4 address stands before a colon");
        const auto bytes = parse_dotted_quad(piece);
        if (!bytes) return because(bytes.error());
        return append(*bytes);
    }

    Parsed<void> append(std::span<const std::uint8_t> bytes) {
        if (bytes.size() > bytes_.size() - filled_)
            return because("an IPv6 address has more than eight groups");
        std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += bytes.size();
        return {};
    }

    void take_gap() {
        gap_ = filled_;
        rest_.remove_prefix(2);
    }

    Parsed<std::array<std::uint8_t, 16>> finish() {
        if (!gap_ && filled_ < bytes_.size())
            return because("an IPv6 address without \"::\" has eight groups");
        if (gap_ && filled_ == bytes_.size())
            return because("an IPv6 address has \"::\" beside eight groups");
        // What is not filled is still 0, so turning it into the gap's place is all there is to do.
        if (gap_)
            std::rotate(bytes_.begin() + static_cast<std::ptrdiff_t>(*gap_),
                        bytes_.begin() + static_cast<std::ptrdiff_t>(filled_), bytes_.end());
        return bytes_;
    }

    std::string_view rest_;
    std::array<std::uint8_t, 16> bytes_{};
    std::size_t filled_ = 0;
    std::optional<std::size_t> gap_;
};

Parsed<std::uint32_t> parse_scope(std::string_view text) {
    if (text.find_first_not_of(decimal_digits) != npos)
        return because("the scope after % is not a number, and names of interfaces can be read "
                       "only with the operating system");
    return parse_decimal(text, std::numeric_limits<std::uint32_t>::max(), "the scope after %");
}

Parsed<IpAddress> parse_v6(std::string_view text) {
    const std::size_t percent = text.find('%');
    const auto bytes = Ipv6Parser().parse(text.substr(0, percent));
    if (!bytes) return because(bytes.error());
    if (percent == npos) return IpAddress::v6(*bytes);
    const auto scope_id = parse_scope(text.substr(percent + 1));
    if (!scope_id) return because(scope_id.error());
    return IpAddress::v6(*bytes, *scope_id);
}

/// One character of a message: printable ASCII as it is, every other byte as \xNN.
std::string escaped(char character) {
    constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') return {'\\', character};
    if (byte >= 0x20 && byte < 0x7f) return {character};
    return {'\\', 'x', hex[byte >> 4], hex[byte & 0xf]};
}

std::string quoted(std::string_view text) {
    constexpr std::size_t maximum_length = 80;
    constexpr std::string_view ellipsis = "...";
    std::string all;
    std::size_t cut = 0; // where the ellipsis goes if the text turns out to be too long
    for (const char character : text) {
        all += escaped(character);
        if (all.size() + ellipsis.size() <= maximum_length) cut = all.size();
        if (all.size() > maximum_length) {
            all.replace(cut, npos, ellipsis);
            break;
        }
    }
    return '"' + all + '"';
}

} // namespace

Parsed<IpAddress> parse_address(std::string_view text) {
    if (text.empty()) return because("the address is missing");
    if (text.front() == '[') return because("brackets belong to an address with a port");
    if (text.find(':') != npos) return parse_v6(text);
    if (text.find('%') != npos) return because("only an IPv6 address has a scope");
    const auto bytes = parse_dotted_quad(text);
    if (!bytes) return because(bytes.error());
    return IpAddress::v4(*bytes);
}

Parsed<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t maximum,
                                    std::string_view what) {
    const auto fault = [what](std::string_view said) { return because(std::string(what) += said); };
    if (text.empty()) return fault(" is missing");
    if (text.find_first_not_of(decimal_digits) != npos) return fault(" is not a decimal number");
    // Some readers take a leading zero for octal; refusing it keeps one text from meaning two.
    if (text.size() > 1 && text.front() == '0') return fault(" has a leading zero");
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > maximum)
        return fault(" is over " + std::to_string(maximum));
    return value;
}

Error refused_address(std::string_view text, std::string_view reason,
                      std::string_view expected_form) {
    std::string context = quoted(text);
    context.append(" (").append(reason).append("; expected ").append(expected_form).append(")");
    return {make_error_code(Errc::invalid_address), std::move(context)};
}

} // namespace tidemill::detail
