// Addresses and endpoints: whatever is taken is written in a form that is taken as the same.
#include "check.hpp"
#include <cstdint>
#include <string_view>
#include <tidemill/net/endpoint.hpp>

using tidemill::Endpoint;
using tidemill::IpAddress;

namespace {

template <class Value> void read(std::string_view text) {
    const auto first = Value::parse(text);
    if (!first) return fuzz::check(!first.error().message().empty(), "a refusal says why");
    const auto second = Value::parse(first->to_string());
    fuzz::check(second.has_value(), "what is written can be read");
    fuzz::check(*second == *first, "and is the same");
    fuzz::check(second->to_string() == first->to_string(), "in the same form");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read<IpAddress>(text);
    read<Endpoint>(text);
    return 0;
}
