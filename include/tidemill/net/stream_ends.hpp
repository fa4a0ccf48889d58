// How the two directions of a stream have ended, and what that means for the next operation.
//
// The first fatal error met by either direction is final. The system tells it once: after a reset a
// send gets ECONNRESET and the next receive gives 0, which must not look like an orderly end. One
// error is different: EPIPE met first says that the peer's orderly end came before its reset, so
// bytes and the end may still be read.
#pragma once

#include <tidemill/core/packed_error.hpp>

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
    /// This side closed: whatever was known before, operations now say so.
    void on_close() noexcept { on_close(Errc::closed_locally); }
    void on_close(PackedError reason) noexcept {
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

private:
    PackedError fatal_;
    bool read_ended_ = false;
    bool ended_in_order_ = false;
    bool is_torn_ = false;
    bool write_shut_ = false;
};

} // namespace tidemill::detail
