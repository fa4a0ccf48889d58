#include <tidemill/core/require.hpp>
#include <tidemill/net/stream.hpp>

namespace tidemill {
namespace detail {

ReadRequest::ReadRequest(Stream& stream, std::span<std::byte> into, Deadline deadline) noexcept
    : Operation(SuspensionPoint::stream_read_into, deadline), into_{into.data(), into.size()} {
    // 0 is how the end of the stream looks; reading into nothing would look the same.
    TIDEMILL_REQUIRE(!into.empty(), "a stream is not read into an empty span");
    set_owner(stream);
}

WriteRequest::WriteRequest(Stream& stream, std::span<const Bytes> pieces,
                           Deadline deadline) noexcept
    : Operation(SuspensionPoint::stream_write, deadline), pieces_(pieces.data()), total_(0) {
    TIDEMILL_REQUIRE(pieces.size() <= most_pieces, "a gathered write has at most 1024 pieces");
    extra_ = static_cast<std::uint16_t>(pieces.size());
    for (const Bytes& piece : pieces) total_ += piece.size();
    if (pieces.empty()) data_ = nullptr;
    set_owner(stream);
}

std::size_t WriteRequest::rest(std::span<std::span<const std::byte>> pieces) const noexcept {
    std::size_t skipped = 0;
    std::size_t count = 0;
    for (const Bytes& piece : std::span(pieces_, extra_)) {
        const std::size_t begin = skipped;
        skipped += piece.size();
        if (skipped <= written_) continue; // sent already, or empty
        pieces[count++] = piece.span().subspan(written_ > begin ? written_ - begin : 0);
        if (count == pieces.size()) break;
    }
    return count;
}

bool WriteRequest::go_on(PromiseBase& waiter, std::ptrdiff_t taken) noexcept {
    auto& stream = static_cast<Stream&>(owner());
    if (taken == Stream::not_tried) return stream.start_write(*this, waiter);
    return stream.continue_write(*this, waiter, taken);
}

Result<void> WriteRequest::error_result() const {
    return failure(Error(error().code()).with_bytes_written(written_));
}

} // namespace detail

bool Stream::continue_write(detail::WriteRequest& request, detail::PromiseBase& waiter,
                            std::ptrdiff_t) noexcept {
    return start_write(request, waiter);
}

Result<void> ShutdownOperation::await_resume() const {
    if (error()) return failure(error().code());
    return {};
}

Result<void> CloseOperation::await_resume() const {
    if (error()) return failure(error().code());
    return {};
}

} // namespace tidemill
