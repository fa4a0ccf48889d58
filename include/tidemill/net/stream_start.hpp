// How the operations of a Stream begin: what they need of Stream as a whole, inlined into the task.
#pragma once

#include <tidemill/net/stream.hpp>

namespace tidemill {

namespace detail {

inline ReadRequest::ReadRequest(Stream& stream, Deadline deadline) noexcept
    : Operation(SuspensionPoint::stream_read, deadline), chunk_() {
    set_owner(stream);
}

inline bool ReadRequest::start(PromiseBase& waiter) noexcept {
    return static_cast<Stream&>(owner()).start_read(*this, waiter);
}

inline WriteRequest::WriteRequest(Stream& stream, std::span<const std::byte> bytes,
                                  Deadline deadline) noexcept
    : Operation(SuspensionPoint::stream_write, deadline), data_(bytes.data()),
      total_(bytes.size()) {
    set_owner(stream);
}

inline std::ptrdiff_t WriteRequest::try_now() {
    return static_cast<Stream&>(owner()).try_write(*this);
}

} // namespace detail

inline ShutdownOperation::ShutdownOperation(Stream& stream, Deadline deadline) noexcept
    : Operation(detail::SuspensionPoint::stream_shutdown, deadline) {
    set_owner(stream);
}

inline bool ShutdownOperation::start(detail::PromiseBase& waiter) noexcept {
    return static_cast<Stream&>(owner()).start_shutdown(*this, waiter);
}

inline CloseOperation::CloseOperation(Stream& stream, Deadline deadline) noexcept
    : Operation(detail::SuspensionPoint::stream_close, deadline) {
    set_owner(stream);
}

inline bool CloseOperation::start(detail::PromiseBase& waiter) noexcept {
    return static_cast<Stream&>(owner()).start_close(*this, waiter);
}

} // namespace tidemill
