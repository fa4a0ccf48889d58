// The inside of a TlsStream: a state machine between an engine and the stream below.
//
// Input: ciphertext is received only while somebody waits for plain text, for the handshake or for
// the end, and while the peer takes our output; one chunk at a time, decrypted where it lies.
// Output: writes gather as plain text in `small_`, or in `block_` once that is too small; records
// gather in `queued_`; `outgoing_`
// is what the stream below is sending at the moment and must not change.
//
// Whoever waits is resumed through the loop's ready list, with one exception: a read that has its
// bytes is resumed at once, as the last thing that a call from the loop does, since a task that is
// destroyed on the ready list would take the bytes along.
#pragma once

#include "tls/inner_operations.hpp"
#include "tls/tls_loop.hpp"
#include "tls/tls_session.hpp"
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <tidemill/core/loop_member.hpp>
#include <tidemill/core/timer_node.hpp>
#include <tidemill/net/stream_ends.hpp>
#include <tidemill/tls/tls_engine.hpp>
#include <tidemill/tls/tls_stream.hpp>

namespace tidemill::detail {

class TlsConnection final : public OperationOwner,
                            private TaskOwner,
                            private LoopMember,
                            private Gathering,
                            private Deferred,
                            private TimerNode {
public:
    TlsConnection(Stream& inner, TlsEngine engine, const TlsStreamOptions& options) noexcept;
    TlsConnection(std::unique_ptr<Stream> inner, TlsEngine engine,
                  const TlsStreamOptions& options) noexcept;
    ~TlsConnection();

    bool start_read(ReadRequest& request, PromiseBase& waiter) noexcept;
    bool start_write(WriteRequest& request, PromiseBase& waiter) noexcept;
    [[nodiscard]] std::ptrdiff_t try_write(WriteRequest& request,
                                           std::ptrdiff_t not_tried) noexcept;
    bool start_shutdown(ShutdownOperation& request, PromiseBase& waiter) noexcept;
    bool start_close(CloseOperation& request, PromiseBase& waiter) noexcept;
    bool start_handshake(HandshakeOperation& request, PromiseBase& waiter) noexcept;
    bool start_flush(FlushOperation& request, PromiseBase& waiter) noexcept;
    void abandon(Operation& operation) noexcept override;
    void cancel() noexcept;
    void close() noexcept;
    void abort() noexcept;

    /// For TlsLoop: this connection may keep its buffers, or has to give them back.
    void keep_buffers() noexcept { engine_.keep_buffers(true); }
    void cool_down() noexcept {
        warm_place_ = TlsLoop::not_warm;
        engine_.keep_buffers(false);
    }

    [[nodiscard]] bool is_open() const noexcept { return is_open_; }
    /// The handshake is complete.
    [[nodiscard]] bool is_ready() const noexcept { return is_ready_; }
    [[nodiscard]] std::uint64_t bytes_received() const noexcept { return received_; }
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return sent_; }
    [[nodiscard]] EndReport end_report() const;
    /// The stream that waits for acknowledgements know; told once.
    void stand_behind(const Stream& face) noexcept { face_ = &face; }
    /// There has been an operation.
    [[nodiscard]] bool is_bound() const noexcept { return shared_ != nullptr; }
    [[nodiscard]] PackedError closed_by() const noexcept { return ends_.fatal(); }
    /// What was accepted and is not with the stream below, dropped output included.
    [[nodiscard]] std::uint64_t unsent_bytes() const noexcept {
        return pending_bytes() + unsent_ + unencrypted_;
    }
    [[nodiscard]] bool has_dropped_output() const noexcept { return unsent_ + unencrypted_ > 0; }
    [[nodiscard]] Stream& inner() const noexcept { return *inner_; }
    [[nodiscard]] const TlsEngine& engine() const noexcept { return engine_; }

private:
    static constexpr std::int64_t no_moment = std::numeric_limits<std::int64_t>::max();

    // A source without a socket: all that it wants is to hear of leases.
    struct LeaseWaiter final : Source {
        explicit LeaseWaiter(TlsConnection& owner) noexcept : connection(owner) {}
        void abandon(Operation&) noexcept override {} // nobody waits here
        void on_readable() noexcept override {}
        void on_writable() noexcept override {}
        void on_leases_returned() noexcept override { connection.on_leases_returned(); }
        void on_loop_gone() noexcept override {}
        TlsConnection& connection;
    };

    // Life (tls_connection.cpp)
    [[nodiscard]] PackedError bind(PromiseBase& waiter) noexcept;
    void release() noexcept;
    void close_now() noexcept;
    void end_waiters() noexcept;
    void fail(PackedError error) noexcept;
    void fail_engine() noexcept;
    void finish_writer(PackedError error) noexcept;
    void continue_later() noexcept;
    void on_loop_gone() noexcept override;
    void child_stopped(PromiseBase& root) noexcept override { root.destroy(); }
    void child_failed(std::exception_ptr) noexcept override {}
    [[nodiscard]] const char* name() const noexcept override { return "tls"; }

    // Time (tls_connection.cpp)
    void on_timer() noexcept override;
    void watch_time() noexcept;
    [[nodiscard]] std::int64_t moment_of(Deadline deadline) noexcept;
    [[nodiscard]] Deadline inner_deadline() const noexcept;
    void expire_reader() noexcept;

    // Handshake (tls_handshake.cpp)
    void begin_handshake() noexcept;
    void advance_handshake() noexcept;
    void take_handshake_step() noexcept;
    [[nodiscard]] bool has_ration() noexcept;
    void stop_waiting_for_ration() noexcept;
    void on_handshake_complete() noexcept;
    void finish_handshaker(PackedError error) noexcept;

    // Input (tls_input.cpp)
    void on_inner_read() noexcept;
    void run_deferred() noexcept override;
    void on_leases_returned() noexcept;
    [[nodiscard]] bool wants_input() const noexcept;
    [[nodiscard]] bool has_undecrypted() const noexcept {
        return (has_more_ || !input_.empty()) && is_ready_ && !lacks_leases_;
    }
    [[nodiscard]] TlsNext read_engine(std::span<std::byte> into, std::size_t& count) noexcept;
    [[nodiscard]] bool fetch() noexcept;
    void absorb() noexcept;
    void serve() noexcept;
    void serve_reader() noexcept;
    [[nodiscard]] bool try_read(ReadRequest& request) noexcept;
    [[nodiscard]] bool decrypt(ReadRequest& request) noexcept;
    [[nodiscard]] TlsNext decrypt_into(std::span<std::byte> into, std::size_t& count) noexcept;
    [[nodiscard]] TlsNext decrypt_in_place(Chunk& chunk, std::size_t& count) noexcept;
    [[nodiscard]] TlsNext decrypt_leased(Chunk& chunk, std::size_t& count) noexcept;
    void wait_for_leases();
    void keep_unread() noexcept;
    [[nodiscard]] bool drain(CloseOperation& request) noexcept;
    [[nodiscard]] bool discard(CloseOperation& request) noexcept;

    // Output (tls_output.cpp)
    void flush() noexcept override;
    void on_inner_write() noexcept;
    void wait_as_writer(Operation& request, Deadline deadline, PromiseBase& waiter) noexcept;
    void continue_writer() noexcept;
    [[nodiscard]] bool accept(WriteRequest& request) noexcept;
    [[nodiscard]] bool accept_gathered(WriteRequest& request) noexcept;
    [[nodiscard]] bool accept_bytes(WriteRequest& request,
                                    std::span<const std::byte> bytes) noexcept;
    [[nodiscard]] std::size_t accept_piece(std::span<const std::byte> piece) noexcept;
    [[nodiscard]] bool take_block() noexcept;
    void encrypt(std::span<const std::byte> plain) noexcept;
    void encrypt_gathered() noexcept;
    void send_now() noexcept;
    void send_here() noexcept;
    void hurry_reader() noexcept;
    void finish_inner_write() noexcept;
    [[nodiscard]] PackedError end_output() noexcept;
    [[nodiscard]] std::size_t pending_bytes() const noexcept {
        return unsent_records() + gathered_bytes_;
    }
    /// Ciphertext that the stream below has not taken yet.
    [[nodiscard]] std::size_t unsent_records() const noexcept;
    /// What can be gathered without making a record full.
    [[nodiscard]] std::size_t block_room() const noexcept {
        return TlsEngine::largest_write_bytes - 1 - gathered_bytes_;
    }
    [[nodiscard]] bool is_output_full() const noexcept {
        return pending_bytes() >= options_.pending_output_bytes ||
               (shared_->is_over_budget() && unsent_records() > 0);
    }
    /// More than writers can have caused: TLS answers a peer that does not read. Below that reading
    /// must go on, or two sides that both have much to say would wait for each other for ever.
    [[nodiscard]] bool is_output_flooded() const noexcept {
        return pending_bytes() >=
               options_.pending_output_bytes + 3 * TlsEngine::largest_write_bytes;
    }
    void drop_output() noexcept;
    /// Tells the loop how much of ours waits for the stream below.
    void count_stuck() noexcept {
        const std::size_t now = inner_write_ ? unsent_records() : 0;
        shared_->stuck_changed(std::exchange(stuck_bytes_, now), now);
    }

    // What the engine would say itself, without a call.
    [[nodiscard]] TlsSession& session() const noexcept { return engine_.session(); }

    TlsEngine engine_;
    Stream* inner_;
    const Stream* face_ = nullptr; ///< the TlsStream of this
    std::unique_ptr<Stream> owned_;
    TlsStreamOptions options_;
    std::size_t warm_place_ = TlsLoop::not_warm;
    TlsLoop* shared_ = nullptr; ///< null until the first operation
    StreamEnds ends_;
    Operation* reader_ = nullptr; ///< a read, or a graceful close
    Operation* writer_ = nullptr; ///< a write, a flush, an end
    HandshakeOperation* handshaker_ = nullptr;

    InnerPump read_pump_;
    std::optional<InnerRead> inner_read_;
    Chunk input_;            ///< ciphertext that the engine has not taken yet
    PackedError soft_error_; ///< of the stream below, about one read only
    LeaseAccount leases_;
    LeaseWaiter lease_waiter_{*this};
    std::uint32_t lease_slot_ = 0;
    bool lacks_leases_ = false;

    InnerPump write_pump_;
    std::optional<InnerWrite> inner_write_;
    TlsEngine::Output outgoing_;
    TlsEngine::Output queued_;
    // Of its own, since a record's place of 16 KiB lies in pages that nobody else has touched.
    std::array<std::byte, 512> small_;
    std::unique_ptr<TlsLoop::Block> block_;
    std::size_t gathered_bytes_ = 0; ///< in `block_`, or without one in `small_`

    std::size_t stuck_bytes_ = 0; ///< as the loop has been told
    std::int64_t handshake_moment_ = no_moment;
    std::int64_t read_moment_ = no_moment;
    std::int64_t write_moment_ = no_moment;
    bool is_read_limit_default_ = true;
    bool has_begun_ = false; ///< the handshake
    bool is_ready_ = false;
    bool has_more_ = false; ///< the engine: text, an end or a failure behind what it has given
    bool waits_for_ration_ = false;
    bool is_open_ = true;
    int exceptions_at_birth_;
    std::uint64_t deferred_turn_ = 0; ///< in which a reader was served late in the turn
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t unencrypted_ = 0; ///< of these, bytes that were dropped
    std::uint64_t unsent_ = 0;      ///< ciphertext that was dropped
    PackedError last_wait_;         ///< how it ended early, if it did
};

/// The code of an error, as operations carry it.
[[nodiscard]] PackedError pack(const Error& error) noexcept;

} // namespace tidemill::detail
