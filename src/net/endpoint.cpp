// Endpoint: splits text into address and port, and joins them again.
//
// The last colon would be enough to split, but "::1:80" would then silently become [::1]:80, where
// the writer may have meant the address. So text without brackets may hold one colon only.
#include <tidemill/net/endpoint.hpp>

#include "net/address_parser.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace tidemill {
namespace {

static_assert(std::is_trivially_copyable_v<Endpoint> && sizeof(Endpoint) <= 28,
              "an Endpoint is no larger than the system's own sockaddr_in6");

using detail::Parsed;
constexpr auto npos = std::string_view::npos;

/// An endpoint's two halves, neither of them read yet.
struct Halves {
    std::string_view address;
    std::string_view port;
};

tl::unexpected<std::string> because(std::string reason) {
    return tl::unexpected<std::string>(std::move(reason));
}

Parsed<Halves> split_bracketed(std::string_view text) {
    const std::size_t close = text.find(']');
    if (close == npos) return because("the closing bracket is missing");
    const std::string_view address = text.substr(1, close - 1);
    if (!address.empty() && address.find(':') == npos)
        return because("brackets hold an IPv6 address only");
    const std::string_view rest = text.substr(close + 1);
    if (rest.empty()) return because("the port is missing");
    if (rest.front() != ':') return because("a colon must follow the closing bracket");
    return Halves{address, rest.substr(1)};
}

Parsed<Halves> split_plain(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == npos) return because("the port is missing");
    if (text.find(':', colon + 1) != npos)
        return because("it has several colons, and an IPv6 address needs brackets");
    return Halves{text.substr(0, colon), text.substr(colon + 1)};
}

Parsed<Endpoint> parse_endpoint(std::string_view text) {
    if (text.empty()) return because("the text is empty");
    const auto halves = text.front() == '[' ? split_bracketed(text) : split_plain(text);
    if (!halves) return because(halves.error());
    const auto address = detail::parse_address(halves->address);
    if (!address) return because(address.error());
    const auto port =
        detail::parse_decimal(halves->port, std::numeric_limits<std::uint16_t>::max(), "the port");
    if (!port) return because(port.error());
    return Endpoint(*address, static_cast<std::uint16_t>(*port));
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    if (!endpoint)
        return failure(detail::refused_address(text, endpoint.error(), "1.2.3.4:80 or [::1]:80"));
    return *endpoint;
}

std::string Endpoint::to_string() const {
    const std::string host = address_.to_string();
    return (address_.is_v6() ? '[' + host + ']' : host) + ':' + std::to_string(port_);
}

} // namespace tidemill

std::size_t
std::hash<tidemill::Endpoint>::operator()(const tidemill::Endpoint& endpoint) const noexcept {
    // The odd factor spreads neighbouring ports over the whole word.
    const std::size_t port = std::size_t{endpoint.port()} * 0x9e3779b1U;
    return std::hash<tidemill::IpAddress>()(endpoint.address()) ^ port;
}
