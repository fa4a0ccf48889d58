// Stream: ordered bytes both ways with an end on each; TCP, in-memory pairs, and what comes later.
//
// Ends: an orderly end is a value (an empty chunk, a count of 0), for ever after. Everything else
// is an error, and the first fatal one that either direction meets is final for both. A write that
// ends early after bytes have left makes the stream *torn*: nothing further can be sent, not even
// an end, since the peer would take the cut message for a whole one; only abort() remains.
//
// At most one read and one write at a time; each may be given a deadline, which loses no byte.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/net/acknowledged.hpp>
#include <tidemill/net/bytes.hpp>
#include <tidemill/net/end_report.hpp>
#include <tidemill/net/gather_operation.hpp>
#include <tidemill/net/stream_operations.hpp>

namespace tidemill {

class Stream : protected detail::Source {
public:
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Never waits. A stream whose peer has ended is closed; one whose peer has not is handed to
    /// the loop's linger set, which sends our end and discards what still comes, within limits; a
    /// torn one, or one left by an exception, is aborted. Whoever waits on it ends as `cancelled`.
    virtual ~Stream() = default;

    /// Waits for bytes and leases them; an empty chunk means that the peer ended the stream in an
    /// orderly way. No buffer is held while waiting.
    ///
    /// Errors: `std::errc::connection_reset`, others of the network (ETIMEDOUT is
    /// `std::errc::timed_out`), `Errc::deadline_expired` (also by the stream's idle limit),
    /// `Errc::cancelled`, `Errc::closed_locally`. After a deadline or a cancellation the next read
    /// goes on where this one left. Lifetime: the awaitable lives in the caller's frame; destroying
    /// it ends the wait and loses no byte. Thread: the loop's own. At most one read at a time
    /// (checked).
    ReadOperation read(Deadline deadline) noexcept { return {*this, deadline}; }
    /// As above with the stream's idle limit. (Not a default argument, which the compiler would
    /// keep in the caller's frame.)
    ReadOperation read() noexcept { return {*this, Deadline()}; }

    /// As read(), into the caller's memory: gives the count of bytes, 0 for an orderly end. `into`
    /// must not be empty and is borrowed until the operation ends.
    ReadIntoOperation read(std::span<std::byte> into, Deadline deadline = {}) noexcept {
        return {*this, into, deadline};
    }

    /// Sends all of `bytes`, which are borrowed until the operation ends. Completes when the kernel
    /// (or the peer, in memory) has taken the last byte, which says nothing about its arrival.
    ///
    /// Errors: as read(), and `std::errc::broken_pipe` (also after shutdown_write()), `Errc::torn`.
    /// Error::bytes_written() tells how many bytes had left. Without a deadline the write-stall
    /// limit applies: time without any progress. Never raises SIGPIPE. At most one write at a time
    /// (checked).
    WriteOperation write(Bytes bytes, Deadline deadline) noexcept {
        return {*this, bytes, deadline};
    }
    /// As above with the stream's write-stall limit.
    WriteOperation write(Bytes bytes) noexcept { return {*this, bytes, Deadline()}; }
    /// As above; chunks are what is written most, and this one costs no view of them in the frame.
    WriteOperation write(const Chunk& chunk) noexcept { return {*this, Bytes(chunk), Deadline()}; }
    WriteOperation write(const Chunk& chunk, Deadline deadline) noexcept {
        return {*this, Bytes(chunk), deadline};
    }

    /// Sends several pieces in one call: `write(header, body)` or `write(a, b, c, within(5s))`.
    template <class... Rest>
    requires((std::is_convertible_v<const Rest&, Bytes> ||
              std::is_same_v<Rest, Deadline>)&&...) auto write(Bytes first, Bytes second,
                                                               const Rest&... rest) noexcept {
        constexpr std::size_t pieces = 2 + (std::size_t{!std::is_same_v<Rest, Deadline>} + ... + 0);
        return GatherOperation<pieces>(*this, first, second, rest...);
    }
    /// As above for a named array of pieces, borrowed like their bytes; at most 1,024 (checked).
    WriteOperation write(std::span<const Bytes> pieces, Deadline deadline = {}) noexcept {
        return {*this, pieces, deadline};
    }

    /// Ends our direction; the peer reads an orderly end behind everything written. Reading goes
    /// on. Errors: as write(). Doing it twice is allowed; doing it while a write waits is misuse
    /// (checked).
    ShutdownOperation shutdown_write(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    /// Ends our direction, reads and discards until the peer has ended too, then closes. Bounded by
    /// the deadline (default 5 s) and by 1 MiB of discarded bytes: beyond them the stream is
    /// aborted. No other operation may wait (checked).
    ///
    /// Errors: `Errc::deadline_expired`, `Errc::limit_reached` (too much came), `Errc::torn`, what
    /// ended the stream before or meanwhile; the stream is closed then. `Errc::cancelled` leaves it
    /// open with our direction ended.
    CloseOperation close_gracefully(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    /// Waits until the peer's KERNEL has every byte that was written. THIS DOES NOT MEAN THAT ITS
    /// APPLICATION HAS READ A SINGLE ONE: see net/acknowledged.hpp.
    ///
    /// Gives how it stands when all is acknowledged, the connection is over, or the deadline has
    /// passed (default 5 s; zero: as it is now), which is no error here. The system is asked at
    /// intervals of 1 ms at first, and of 50 ms or a round trip at last. Several may wait, beside a
    /// read and a write. Errors: `Errc::not_supported` where the system does not tell (Windows
    /// before 10 1703, Wine), `Errc::cancelled`, what closed the stream before.
    AcknowledgeOperation acknowledged(Deadline deadline = {}) const noexcept {
        return {*this, deadline};
    }

    /// What the destructor does, now. Later operations fail with `Errc::closed_locally`.
    virtual void close() noexcept = 0;
    /// Closes at once so that the peer sees a reset (TCP: RST).
    virtual void abort() noexcept = 0;
    /// Ends what waits on this stream as `cancelled`; nobody is resumed inside this call.
    virtual void cancel() noexcept = 0;

    /// Limit for reads that are given no deadline of their own; zero: none (the default).
    virtual void set_idle_timeout(Duration idle_timeout) noexcept = 0;
    /// Limit for the time in which a write makes no progress at all; zero: none. Default 60 s.
    virtual void set_write_stall_timeout(Duration write_stall_timeout) noexcept = 0;

    [[nodiscard]] virtual bool is_open() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t bytes_received() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t bytes_sent() const noexcept = 0;
    /// How the stream has ended, or how far it is; also of one that is closed, but without the peer
    /// then. Asks the system for the peer, so it is for the end and not for each message. Throws
    /// std::bad_alloc.
    [[nodiscard]] virtual EndReport end_report() const = 0;

protected:
    Stream() = default;

    static constexpr std::ptrdiff_t failed_try = -1;
    static constexpr std::ptrdiff_t not_tried = -2;

    /// Of a stream that another one stands on.
    [[nodiscard]] static detail::Unacknowledged unacknowledged_of(const Stream& inner) noexcept {
        return inner.unacknowledged();
    }

    // For streams that own no socket; one base in place of two saves a pointer in each stream and a
    // jump in each message.
    void on_readable() override {}
    void on_writable() noexcept override {}
    void on_loop_gone() noexcept override {}

private:
    friend class detail::ReadRequest;
    friend class detail::WriteRequest;
    friend ShutdownOperation;
    friend CloseOperation;
    friend AcknowledgeOperation;

    [[nodiscard]] virtual detail::Unacknowledged unacknowledged() const noexcept = 0;
    // Each starts an operation. False: it has completed, and the task goes on without suspending.
    virtual bool start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept = 0;
    virtual bool start_write(detail::WriteRequest& request,
                             detail::PromiseBase& waiter) noexcept = 0;
    // What start_write() would do first, for streams that mostly can: tries to get rid of all bytes
    // at once and gives the count of those that left, or `failed_try`; whatever is not all of them
    // goes to continue_write(). `not_tried`: nothing has happened, start_write() is to follow.
    virtual std::ptrdiff_t try_write(detail::WriteRequest&) { return not_tried; }
    virtual bool continue_write(detail::WriteRequest& request, detail::PromiseBase& waiter,
                                std::ptrdiff_t taken) noexcept;
    virtual bool start_shutdown(ShutdownOperation& request,
                                detail::PromiseBase& waiter) noexcept = 0;
    virtual bool start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept = 0;
};

} // namespace tidemill

#include <tidemill/net/stream_start.hpp>
