// Errors: the texts, what they equal among the standard conditions, and the throwing of them.
//
// A text is half a sentence without punctuation, because message() puts context before it and the
// bytes that had left behind it.
#include <tidemill/core/error.hpp>
#include <tidemill/core/packed_error.hpp>

#include "core/system_text.hpp"
#include <stdexcept>

namespace tidemill {
namespace {

const char* text_of(Errc code) noexcept {
    switch (code) {
    case Errc::end_of_stream: return "the peer ended the stream before the item was complete";
    case Errc::truncated: return "the stream was truncated";
    case Errc::deadline_expired: return "deadline expired";
    case Errc::cancelled: return "cancelled";
    case Errc::closed_locally: return "closed by this side";
    case Errc::torn: return "an earlier write was left half sent";
    case Errc::loop_gone: return "the event loop is gone";
    case Errc::limit_reached: return "a configured limit was reached";
    case Errc::selector_limit: return "the selector cannot watch this descriptor";
    case Errc::invalid_address: return "not a valid address";
    case Errc::unknown_selector: return "no such selector on this platform";
    case Errc::not_supported: return "not supported on this platform";
    case Errc::channel_closed: return "the channel is closed";
    case Errc::tls_setup: return "TLS cannot be set up like this";
    case Errc::tls_failed: return "TLS failed";
    case Errc::tls_alert: return "the peer ended TLS with an alert";
    case Errc::not_trusted: return "the peer is not trusted";
    }
    return "unknown tidemill error";
}

class Category final : public std::error_category {
public:
    const char* name() const noexcept override { return "tidemill"; }
    std::string message(int code) const override { return text_of(static_cast<Errc>(code)); }
    std::error_condition default_error_condition(int code) const noexcept override {
        switch (static_cast<Errc>(code)) {
        case Errc::deadline_expired: return std::errc::timed_out;
        case Errc::cancelled: return std::errc::operation_canceled;
        case Errc::not_supported: return std::errc::not_supported;
        default: return {code, *this};
        }
    }
};

/// A system_error whose what() is the line itself. The base would append the code's text, which
/// the line has already, in a form that each standard library chooses for itself.
class ThrownError final : public std::system_error {
public:
    explicit ThrownError(const Error& error)
        : std::system_error(error.code()), line_(error.message()) {}
    const char* what() const noexcept override { return line_.what(); }

private:
    std::runtime_error line_; // unlike a string, its copy never throws, as exceptions require
};

} // namespace

const std::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

std::error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

Error::Error(std::error_code code, std::string context) : code_(code) {
    own_detail().context = std::move(context);
}

Error::Error(const Error& other) noexcept : code_(other.code_), detail_(other.detail_.get()) {
    if (detail_) detail_->holders.fetch_add(1, std::memory_order_relaxed);
}

Error& Error::operator=(const Error& other) noexcept {
    if (this != &other) *this = Error(other);
    return *this;
}

void Error::DropDetail::operator()(Detail* detail) const noexcept {
    if (detail->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete detail;
}

Error::Detail& Error::own_detail() {
    if (!detail_ || detail_->holders.load(std::memory_order_acquire) > 1) {
        OwnedDetail own(new Detail());
        if (detail_) {
            own->context = detail_->context;
            own->bytes_written = detail_->bytes_written;
        }
        detail_ = std::move(own);
    }
    return *detail_;
}

std::string Error::message() const {
    std::string line;
    if (detail_ && !detail_->context.empty()) line = detail_->context + ": ";
    line += detail::system_text(code_);
    if (const std::size_t bytes = bytes_written(); bytes > 0)
        line +=
            " (after " + std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes") + " had left)";
    return line;
}

std::size_t Error::bytes_written() const noexcept { return detail_ ? detail_->bytes_written : 0; }

Error Error::with_bytes_written(std::size_t bytes) && {
    if (bytes > 0 || detail_) own_detail().bytes_written = bytes;
    return std::move(*this);
}

void throw_error(const Error& error) { throw ThrownError(error); }

namespace detail {

tl::unexpected<Error> failed(PackedError error) noexcept { return failure(error.code()); }

} // namespace detail
} // namespace tidemill
