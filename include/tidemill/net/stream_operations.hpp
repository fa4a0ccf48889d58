// The awaitables of Stream. Each lives in the waiting frame and is used by the stream in place.
#pragma once

#include <cstddef>
#include <span>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/promise.hpp>
#include <tidemill/net/bytes.hpp>

namespace tidemill {

class Stream;

namespace detail {

/// A read, as a stream sees it: it fills in a chunk, or the caller's memory.
class ReadRequest : public Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }

    [[nodiscard]] bool wants_chunk() const noexcept {
        return point() == SuspensionPoint::stream_read;
    }
    /// If it wants no chunk: where the bytes go.
    [[nodiscard]] std::span<std::byte> into() const noexcept { return {into_.data, into_.size}; }
    /// If it does: where the lease goes.
    [[nodiscard]] Chunk& chunk() noexcept { return chunk_; }
    void set_count(std::size_t bytes) noexcept { into_.size = bytes; }
    [[nodiscard]] std::size_t count() const noexcept {
        return wants_chunk() ? chunk_.size() : into_.size;
    }
    /// Makes the result the end of the stream, unless an error says more.
    void set_end() noexcept {
        if (!wants_chunk()) into_.size = 0;
    }

protected:
    ReadRequest(Stream& stream, Deadline deadline) noexcept;
    ReadRequest(Stream& stream, std::span<std::byte> into, Deadline deadline) noexcept;
    ~ReadRequest() {
        if (wants_chunk()) chunk_.~Chunk();
    }

    struct Into {
        std::byte* data;
        std::size_t size; ///< of the memory; once read, of what came
    };
    union {
        Chunk chunk_;
        Into into_;
    };

private:
    bool start(PromiseBase& waiter) noexcept;
};

/// A write of one piece or several, as a stream sees it.
class WriteRequest : public Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise> bool await_suspend(std::coroutine_handle<Promise> frame) {
        const std::ptrdiff_t taken = try_now();
        if (taken == static_cast<std::ptrdiff_t>(total_)) [[likely]]
            return false;
        return go_on(frame.promise(), taken);
    }
    Result<void> await_resume() const {
        if (!error()) [[likely]]
            return {};
        return error_result();
    }

    [[nodiscard]] std::size_t total() const noexcept { return total_; }
    [[nodiscard]] std::size_t written() const noexcept { return written_; }
    [[nodiscard]] bool is_complete() const noexcept { return written_ == total_; }
    void advance(std::size_t bytes) noexcept { written_ += bytes; }
    [[nodiscard]] bool is_gathered() const noexcept { return extra_ != 0; }
    /// The unsent rest of a write that is not gathered.
    [[nodiscard]] std::span<const std::byte> rest() const noexcept {
        return {data_ + written_, total_ - written_};
    }
    /// The unsent pieces, at most `pieces.size()` of them; gives how many.
    std::size_t rest(std::span<std::span<const std::byte>> pieces) const noexcept;

protected:
    static constexpr std::size_t most_pieces = 1024;

    WriteRequest(Stream& stream, std::span<const std::byte> bytes, Deadline deadline) noexcept;
    WriteRequest(Stream& stream, std::span<const Bytes> pieces, Deadline deadline) noexcept;

private:
    [[nodiscard]] std::ptrdiff_t try_now();
    TIDEMILL_COLD bool go_on(PromiseBase& waiter, std::ptrdiff_t taken) noexcept;
    [[nodiscard]] TIDEMILL_COLD Result<void> error_result() const;

    union {
        const std::byte* data_;
        const Bytes* pieces_;
    };
    std::size_t total_;
    std::size_t written_ = 0;
};

} // namespace detail

/// Made by Stream::read().
class [[nodiscard]] ReadOperation : public detail::ReadRequest {
public:
    [[nodiscard]] Result<Chunk> await_resume() noexcept {
        if (error()) [[unlikely]]
            return detail::failed_result<Chunk>(error());
        return std::move(chunk_);
    }

private:
    friend Stream;
    ReadOperation(Stream& stream, Deadline deadline) noexcept : ReadRequest(stream, deadline) {}
};

/// Made by Stream::read(span).
class [[nodiscard]] ReadIntoOperation : public detail::ReadRequest {
public:
    [[nodiscard]] Result<std::size_t> await_resume() const noexcept {
        if (error()) [[unlikely]]
            return detail::failed_result<std::size_t>(error());
        return into_.size;
    }

private:
    friend Stream;
    ReadIntoOperation(Stream& stream, std::span<std::byte> into, Deadline deadline) noexcept
        : ReadRequest(stream, into, deadline) {}
};

/// Made by Stream::write().
class [[nodiscard]] WriteOperation : public detail::WriteRequest {
private:
    friend Stream;
    WriteOperation(Stream& stream, Bytes bytes, Deadline deadline) noexcept
        : WriteRequest(stream, bytes.span(), deadline) {}
    WriteOperation(Stream& stream, std::span<const Bytes> pieces, Deadline deadline) noexcept
        : WriteRequest(stream, pieces, deadline) {}
};

/// Made by Stream::shutdown_write().
class [[nodiscard]] ShutdownOperation : public detail::Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<void> await_resume() const;

private:
    friend Stream;
    ShutdownOperation(Stream& stream, Deadline deadline) noexcept;
    bool start(detail::PromiseBase& waiter) noexcept;
};

/// Made by Stream::close_gracefully().
class [[nodiscard]] CloseOperation : public detail::Operation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<void> await_resume() const;
    /// Bytes that the peer has sent and nobody has read.
    [[nodiscard]] std::size_t discarded_bytes() const noexcept { return discarded_bytes_; }
    void add_discarded(std::size_t bytes) noexcept { discarded_bytes_ += bytes; }

private:
    friend Stream;
    CloseOperation(Stream& stream, Deadline deadline) noexcept;
    bool start(detail::PromiseBase& waiter) noexcept;

    std::size_t discarded_bytes_ = 0;
};

} // namespace tidemill
