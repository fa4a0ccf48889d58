// How far what was written has come: as far as the peer's kernel, and no further.
//
// NOT WHAT IT MAY SEEM TO BE: an acknowledgement says that the *operating system* of the peer has
// the bytes. The program there may not have read one of them, may never do so, and may have ended
// long ago. Who must know that a message was *processed* has to be told so by the other program, in
// an answer of its own.
#pragma once

#include <cstdint>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/unacknowledged.hpp>

namespace tidemill {

class Stream;

/// What Stream::acknowledged() gives.
struct Acknowledgement {
    enum class State : std::uint8_t {
        acknowledged, ///< the peer's kernel has every byte that was written
        outstanding,  ///< not yet, when the deadline passed
        lost,         ///< the connection is over, and so many bytes were never acknowledged
    };
    State state = State::acknowledged;
    /// Bytes that were not acknowledged; under TLS of records, and of plain text that is not
    /// encrypted yet.
    std::uint64_t outstanding_bytes = 0;
};

/// Made by Stream::acknowledged().
class [[nodiscard]] AcknowledgeOperation : public detail::Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<Acknowledgement> await_resume() const;

    // For the loop's set of those who wait.
    [[nodiscard]] bool look() noexcept;
    AcknowledgeOperation* next = nullptr;
    AcknowledgeOperation* previous = nullptr;
    std::int64_t next_look_ns = 0;
    std::int64_t interval_ns = 0;
    std::int64_t expires_ns = 0;
    [[nodiscard]] const Stream& stream() const noexcept { return stream_; }
    [[nodiscard]] std::int64_t round_trip_ns() const noexcept { return seen_.round_trip_ns; }

private:
    friend Stream;
    AcknowledgeOperation(const Stream& stream, Deadline deadline) noexcept
        : Operation(detail::SuspensionPoint::stream_acknowledged, deadline), stream_(stream) {}
    bool start(detail::PromiseBase& waiter) noexcept;

    const Stream& stream_;
    detail::Unacknowledged seen_;
};

} // namespace tidemill
