// Bytes: a borrowed view of what is to be sent.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <tidemill/core/chunk.hpp>

namespace tidemill {

/// Borrowed bytes; whatever they are made from must live until the operation that takes them ends.
class Bytes {
public:
    constexpr Bytes() noexcept = default;
    constexpr Bytes(std::span<const std::byte> bytes) noexcept : span_(bytes) {}
    Bytes(std::string_view text) noexcept : span_(std::as_bytes(std::span(text))) {}
    Bytes(const char* text) noexcept : Bytes(std::string_view(text)) {}
    template <class Text>
    requires std::is_convertible_v<const Text&, std::string_view> Bytes(const Text& text)
    noexcept : Bytes(static_cast<std::string_view>(text)) {}
    /// Arrays, vectors and spans of std::byte.
    template <class Range>
    requires(std::is_convertible_v<const Range&, std::span<const std::byte>> &&
             !std::is_convertible_v<const Range&, std::string_view>) Bytes(const Range& bytes)
    noexcept : span_(bytes) {}
    Bytes(const Chunk& chunk) noexcept : span_(chunk.bytes()) {}

    [[nodiscard]] constexpr std::span<const std::byte> span() const noexcept { return span_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return span_.size(); }

private:
    std::span<const std::byte> span_;
};

} // namespace tidemill
