// In-memory stream pairs: what a service does with its streams, tested without sockets.
//
// A pair behaves as a TCP connection does, in its ends, errors, limits and deadlines, and bytes
// move only in the loop's own step for completed work: nobody is resumed inside a write of the
// other side. What differs: nothing is ever in flight, so a write is taken by the peer's buffer at
// once.
#pragma once

#include <limits>
#include <memory>
#include <tidemill/core/lease_account.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/core/timer_node.hpp>
#include <tidemill/net/stream.hpp>
#include <tidemill/net/stream_deadlines.hpp>
#include <tidemill/net/stream_ends.hpp>
#include <utility>

namespace tidemill {

class EventLoop;

namespace detail {
class MemoryLink;
class MemoryPipe;
} // namespace detail

namespace testing {

struct PairOptions {
    /// What each direction holds; a writer suspends when it is full.
    std::size_t capacity_bytes = std::size_t{64} << 10;
    /// The most that one transfer moves, and there is one for each operation and turn: 1 gives
    /// every byte its own.
    std::size_t largest_transfer_bytes = std::numeric_limits<std::size_t>::max();
};

class MemoryStream;
using StreamPair = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;

/// Two connected streams. Throws std::bad_alloc.
[[nodiscard]] StreamPair make_stream_pair(EventLoop& loop, const PairOptions& options = {});

/// One end of a pair. Lifetime: independent of the other end; may outlive the loop. Thread: the
/// loop's own.
class MemoryStream final : public Stream, private detail::TimerNode {
public:
    ~MemoryStream() override { close(); }

    void close() noexcept override;
    void abort() noexcept override;
    void cancel() noexcept override;
    void set_idle_timeout(Duration idle_timeout) noexcept override {
        deadlines_.set_idle_timeout(idle_timeout);
    }
    void set_write_stall_timeout(Duration write_stall_timeout) noexcept override {
        deadlines_.set_write_stall_timeout(write_stall_timeout);
    }
    [[nodiscard]] bool is_open() const noexcept override { return link_ != nullptr; }
    [[nodiscard]] std::uint64_t bytes_received() const noexcept override { return received_; }
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept override { return sent_; }
    [[nodiscard]] EndReport end_report() const override;

    /// The `nth` transfer of a read from now on (1: the next) fails with `error`, which is fatal.
    void fail_read(std::size_t nth, std::errc error) noexcept;
    /// The same for writes.
    void fail_write(std::size_t nth, std::errc error) noexcept;

private:
    friend StreamPair make_stream_pair(EventLoop& loop, const PairOptions& options);
    friend class detail::MemoryLink;

    struct Fault {
        std::size_t transfers_left = 0; ///< 0: none is planned
        detail::PackedError error;
        [[nodiscard]] bool is_due() const noexcept { return transfers_left == 1; }
        /// To be called by every transfer; gives the error once.
        [[nodiscard]] detail::PackedError strike() noexcept;
    };

    MemoryStream(detail::LoopCore& loop, std::shared_ptr<detail::MemoryLink> link,
                 std::size_t side);

    bool start_read(detail::ReadRequest& request, detail::PromiseBase& waiter) noexcept override;
    bool start_write(detail::WriteRequest& request, detail::PromiseBase& waiter) noexcept override;
    bool start_shutdown(ShutdownOperation& request, detail::PromiseBase& waiter) noexcept override;
    [[nodiscard]] detail::Unacknowledged unacknowledged() const noexcept override;
    bool start_close(CloseOperation& request, detail::PromiseBase& waiter) noexcept override;

    void on_readable() noexcept override {}
    void on_writable() noexcept override {}
    void on_leases_returned() noexcept override;
    void on_loop_gone() noexcept override;
    void on_timer() noexcept override;
    void abandon(detail::Operation& operation) noexcept override;

    [[nodiscard]] detail::MemoryPipe& input() const noexcept;
    [[nodiscard]] detail::MemoryPipe& output() const noexcept;
    [[nodiscard]] bool can_receive() const noexcept;
    [[nodiscard]] bool can_send() const noexcept;
    [[nodiscard]] detail::PackedError peer_error() const noexcept;
    void serve() noexcept;
    [[nodiscard]] bool serve_writer() noexcept;
    [[nodiscard]] bool serve_reader() noexcept;
    void expire_read() noexcept;
    [[nodiscard]] bool receive(detail::ReadRequest& request) noexcept;
    [[nodiscard]] bool take_bytes(detail::ReadRequest& request) noexcept;
    [[nodiscard]] bool discard(CloseOperation& request) noexcept;
    [[nodiscard]] bool send(detail::WriteRequest& request) noexcept;
    std::size_t send_pieces(const detail::WriteRequest& request) noexcept;
    [[nodiscard]] detail::PackedError end_output() noexcept;
    void end_waiters() noexcept;
    void close_now() noexcept;
    void release_link(detail::PackedError reason) noexcept;

    detail::LoopCore* loop_;
    std::shared_ptr<detail::MemoryLink> link_; ///< null once closed
    std::size_t side_;
    std::uint32_t slot_;
    detail::Operation* reader_ = nullptr;
    detail::Operation* writer_ = nullptr;
    detail::LeaseAccount leases_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    detail::StreamEnds ends_;
    detail::StreamDeadlines deadlines_;
    Fault read_fault_;
    Fault write_fault_;
    bool lacks_leases_ = false;
    int exceptions_at_birth_;
};

} // namespace testing
} // namespace tidemill
