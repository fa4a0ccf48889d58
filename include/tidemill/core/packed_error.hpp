// An std::error_code in four bytes, for places where every byte counts: operations live in the
// frames of waiting coroutines, and most of them never carry an error at all.
//
// Positive values are std::errc numbers (the sockets seam translates the system's own into them),
// negative ones are Errc. The code with its category is made when somebody looks.
#pragma once

#include <cstdint>
#include <tidemill/core/error.hpp>
#include <tidemill/core/inline.hpp>

namespace tidemill::detail {

class PackedError {
public:
    constexpr PackedError() noexcept = default;
    constexpr PackedError(std::errc code) noexcept : value_(static_cast<int>(code)) {}
    constexpr PackedError(Errc code) noexcept : value_(-static_cast<int>(code)) {}

    /// As kept by who has two bytes for it: both kinds of numbers are small on every system.
    [[nodiscard]] static constexpr PackedError from_value(std::int16_t value) noexcept {
        PackedError error;
        error.value_ = value;
        return error;
    }
    [[nodiscard]] constexpr std::int16_t value() const noexcept {
        return static_cast<std::int16_t>(value_);
    }

    explicit constexpr operator bool() const noexcept { return value_ != 0; }
    friend constexpr bool operator==(PackedError, PackedError) noexcept = default;

    [[nodiscard]] std::error_code code() const noexcept {
        if (value_ < 0) return make_error_code(static_cast<Errc>(-value_));
        return std::make_error_code(static_cast<std::errc>(value_));
    }

private:
    int value_ = 0;
};

/// The error as the failed Result that an operation gives. Out of line: it is rare, and every
/// co_await would carry it along in the code of the program.
[[nodiscard]] TIDEMILL_COLD tl::unexpected<Error> failed(PackedError error) noexcept;
/// The same, made where the result is wanted.
template <class T> [[nodiscard]] TIDEMILL_COLD Result<T> failed_result(PackedError error) noexcept {
    return failed(error);
}

} // namespace tidemill::detail
