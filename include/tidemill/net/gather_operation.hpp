// The awaitable of Stream::write() with several pieces, which it keeps in the waiting frame.
#pragma once

#include <array>
#include <tidemill/net/stream_operations.hpp>

namespace tidemill {

namespace detail {

template <std::size_t Count> struct GatheredPieces {
    template <class... Rest>
    explicit GatheredPieces(Bytes first, Bytes second, const Rest&... rest) noexcept {
        Bytes* next = pieces.data();
        add(next, first);
        add(next, second);
        (add(next, rest), ...);
    }
    static void add(Bytes*& next, Bytes bytes) noexcept { *next++ = bytes; }
    static void add(Bytes*&, Deadline) noexcept {}
    static Deadline last_deadline() noexcept { return {}; }
    template <class First, class... Rest>
    static Deadline last_deadline(const First& first, const Rest&... rest) noexcept {
        if constexpr (std::is_same_v<First, Deadline>) return first;
        return last_deadline(rest...);
    }
    std::array<Bytes, Count> pieces;
};

} // namespace detail

/// Made by Stream::write() with several pieces.
template <std::size_t Count> class [[nodiscard]] GatherOperation
    : private detail::GatheredPieces<Count>,
      public detail::WriteRequest {
public:
    template <class... Rest>
    GatherOperation(Stream& stream, Bytes first, Bytes second, const Rest&... rest) noexcept
        : detail::GatheredPieces<Count>(first, second, rest...),
          WriteRequest(stream, this->pieces, this->last_deadline(rest...)) {}
};

} // namespace tidemill
