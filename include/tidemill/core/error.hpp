// Errors and results: what every fallible call of tidemill answers.
//
// Daily events (reset, refused, timed out) are values and must stay cheap, so an Error is an
// std::error_code plus one pointer that is null unless there is more to tell: which file, which
// peer, how many bytes had left. Compare with conditions (`error == std::errc::timed_out`,
// `error == Errc::torn`), never with raw numbers.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <tidemill/core/inline.hpp>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace tidemill {

/// Conditions that no operating system has a number for.
enum class Errc {
    end_of_stream = 1, ///< the peer ended in order, but an item of fixed size was not complete
    truncated,         ///< the stream was cut without the notice that its protocol requires
    deadline_expired,  ///< a deadline of ours passed; equal to std::errc::timed_out
    cancelled,         ///< ended by cancel(); equal to std::errc::operation_canceled
    closed_locally,    ///< this side closed the stream before
    torn,              ///< an earlier write of ours was left half sent; only abort() remains
    loop_gone,         ///< the EventLoop that owned the object was destroyed
    limit_reached,     ///< a configured limit refused the call
    selector_limit,    ///< the selector cannot watch this descriptor (select and FD_SETSIZE)
    invalid_address,   ///< text that is not an address of the expected form
    unknown_selector,  ///< no selector of this name on this platform
    not_supported,     ///< the platform lacks the facility; equal to std::errc::not_supported
    channel_closed,    ///< no further items will come through this channel
    tls_setup,         ///< certificates, keys or options of TLS that cannot be used
    tls_failed,        ///< TLS cannot go on: the peer or the path broke its rules
    tls_alert,         ///< the peer ended TLS with an alert, which says what it objects to
    not_trusted,       ///< the peer's certificate does not prove who it is
};

/// The category of `Errc`; its name is "tidemill".
[[nodiscard]] const std::error_category& error_category() noexcept;

[[nodiscard]] std::error_code make_error_code(Errc code) noexcept;

} // namespace tidemill

template <> struct std::is_error_code_enum<tidemill::Errc> : std::true_type {};

namespace tidemill {

/// What went wrong: a code to compare, and optional owned detail to print.
///
/// A copy has the same detail without memory of its own, and does not see what its source is told
/// later. Without detail no memory is allocated.
class [[nodiscard]] Error {
public:
    Error(std::error_code code) noexcept : code_(code) {}
    Error(Errc code) noexcept : code_(make_error_code(code)) {}
    Error(std::errc code) noexcept : code_(std::make_error_code(code)) {}
    /// An error with a context that is put before the message: `context: message`.
    Error(std::error_code code, std::string context);
    Error(const Error& other) noexcept;
    Error& operator=(const Error& other) noexcept;
    Error(Error&&) noexcept = default;
    Error& operator=(Error&&) noexcept = default;
    ~Error() = default;

    [[nodiscard]] const std::error_code& code() const noexcept { return code_; }
    /// The full line for people, UTF-8, without a line break.
    [[nodiscard]] std::string message() const;
    /// Bytes that had left when a write ended early, else 0.
    [[nodiscard]] std::size_t bytes_written() const noexcept;
    /// The same error, telling that `bytes` had left before it.
    [[nodiscard]] Error with_bytes_written(std::size_t bytes) &&;

    friend bool operator==(const Error& error, std::errc condition) noexcept {
        return error.code_ == std::make_error_condition(condition);
    }
    friend bool operator==(const Error& error, Errc code) noexcept {
        return error.code_ == make_error_code(code);
    }

private:
    struct Detail {
        std::string context;
        std::size_t bytes_written = 0;
        std::atomic<std::size_t> holders = 1; ///< with several it is not changed any more
    };
    // Out of line, or every place that drops a result would carry the deletion in its code.
    struct DropDetail {
        TIDEMILL_COLD void operator()(Detail* detail) const noexcept;
    };
    using OwnedDetail = std::unique_ptr<Detail, DropDetail>;
    /// Not shared with anybody.
    Detail& own_detail();

    std::error_code code_;
    OwnedDetail detail_;
};

/// A value, or the Error that prevented it.
template <class T> using Result = tl::expected<T, Error>;

/// Throws `error` as std::system_error whose what() is the full line, `message()`.
[[noreturn]] void throw_error(const Error& error);

/// The value of `result`; throws std::system_error with the error's line if there is none.
template <class T> T or_throw(Result<T>&& result) {
    if (!result) throw_error(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Shorthand for returning an error from a function whose result is a `Result`.
[[nodiscard]] inline tl::unexpected<Error> failure(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

} // namespace tidemill
