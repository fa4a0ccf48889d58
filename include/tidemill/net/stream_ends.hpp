// How the two directions of a stream have ended, and what that means for the next operation.
//
// The first fatal error met by either direction is final. The system tells it once: after a reset a
// send gets ECONNRESET and the next receive gives 0, which must not look like an orderly end. One
// error is different: EPIPE met first says that the peer's orderly end came before its reset, so
// bytes and the end may still be read.
#pragma once

#include <cstdint>
#include <tidemill/core/packed_error.hpp>
#include <tidemill/net/end_report.hpp>

namespace tidemill::detail {

class StreamEnds {
public:
    /// What a read gives before it looks at the transport; nothing if it may try.
    [[nodiscard]] bool read_has_ended() const noexcept { return read_ended_; }
    [[nodiscard]] PackedError read_error() const noexcept {
        return read_ended_ && !ended_in_order_ ? fatal_ : PackedError();
    }
    [[nodiscard]] PackedError write_error() const noexcept {
        if (is_torn_)
            return Errc::torn; // also after a fatal error: it is what the writer must know
        if (fatal_) return fatal_;
        return write_shut_ ? PackedError(std::errc::broken_pipe) : PackedError();
    }

    [[nodiscard]] bool may_write() const noexcept { return !fatal_ && !is_torn_ && !write_shut_; }

    /// Why the stream cannot end in order; nothing if it can.
    [[nodiscard]] PackedError close_error() const noexcept {
        return is_torn_ ? PackedError(Errc::torn) : fatal_;
    }

    /// The transport gave 0 bytes.
    void on_end_of_input() noexcept {
        read_ended_ = true;
        ended_in_order_ = !fatal_ || fatal_ == PackedError(std::errc::broken_pipe);
    }
    void on_read_error(PackedError error) noexcept {
        if (!fatal_) fatal_ = error;
        read_ended_ = true;
    }
    void on_write_error(PackedError error) noexcept {
        // Not every system tells by itself that the peer's end came before its reset.
        const bool is_late_reset =
            ended_in_order_ && error == PackedError(std::errc::connection_reset);
        if (!fatal_) fatal_ = is_late_reset ? PackedError(std::errc::broken_pipe) : error;
    }
    /// A close begins, behind a last wait that ended early with `last_wait`, if there is one: it
    /// is what a report names if nothing else has ended the stream.
    void on_closing(PackedError last_wait) noexcept {
        if (is_closing_ || is_closed_) return;
        cause_ = last_wait.value();
        phase_at_close_ = phase();
        is_closing_ = true;
    }
    /// A graceful close waits for the peer.
    void on_graceful_close() noexcept { closes_gracefully_ = true; }
    /// This side closed: whatever was known before, operations now say so.
    void on_close() noexcept { on_close(Errc::closed_locally); }
    void on_close(PackedError reason) noexcept {
        keep_for_report(reason);
        fatal_ = reason;
        read_ended_ = true;
        ended_in_order_ = false;
        is_torn_ = false;
    }
    void tear() noexcept { is_torn_ = true; }
    void shut_write() noexcept { write_shut_ = true; }

    [[nodiscard]] bool is_torn() const noexcept { return is_torn_; }
    [[nodiscard]] bool is_write_shut() const noexcept { return write_shut_; }
    [[nodiscard]] PackedError fatal() const noexcept { return fatal_; }

    /// Kind, phase and error; of a closed stream as they were before it was closed.
    [[nodiscard]] EndReport report(PackedError last_wait) const;

private:
    [[nodiscard]] StreamPhase phase() const noexcept;
    [[nodiscard]] PackedError cause(PackedError last_wait) const noexcept;
    void keep_for_report(PackedError reason) noexcept;

    PackedError fatal_;
    bool read_ended_ : 1 = false;
    bool ended_in_order_ : 1 = false;
    bool is_torn_ : 1 = false;
    bool write_shut_ : 1 = false;
    bool closes_gracefully_ : 1 = false;
    bool is_closing_ : 1 = false;
    bool is_closed_ : 1 = false;
    bool was_orderly_ : 1 = false; ///< when it was closed
    StreamPhase phase_at_close_ : 4 = StreamPhase::open;
    std::int16_t cause_ = 0; ///< a PackedError: of the end, once closed
};

static_assert(sizeof(StreamEnds) == 8);

} // namespace tidemill::detail
