// The reading half of IpAddress and Endpoint: text in, value or reason out.
//
// A reason is half a sentence ("the port is over 65535"). Only the outermost reader makes an Error
// of it, so that the message quotes the text which the user wrote and not a piece of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tidemill/net/ip_address.hpp>
#include <tl/expected.hpp>

namespace tidemill::detail {

/// A value, or the reason why the text is refused.
template <class T> using Parsed = tl::expected<T, std::string>;

/// Reads an address of either family; an IPv6 address may carry a scope.
[[nodiscard]] Parsed<IpAddress> parse_address(std::string_view text);

/// Reads digits only, up to `maximum`; `what` is the subject of the reason ("the port").
[[nodiscard]] Parsed<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t maximum,
                                                  std::string_view what);

/// `Errc::invalid_address` that quotes at most 80 characters of `text`, in printable ASCII.
[[nodiscard]] Error refused_address(std::string_view text, std::string_view reason,
                                    std::string_view expected_form);

} // namespace tidemill::detail
