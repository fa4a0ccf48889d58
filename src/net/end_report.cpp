#include <array>
#include <tidemill/net/end_report.hpp>
#include <tidemill/net/stream_ends.hpp>

namespace tidemill {
namespace detail {

namespace {

EndKind kind_of(PackedError error) noexcept {
    static constexpr struct {
        PackedError error;
        EndKind kind;
    } known[] = {
        {std::errc::connection_reset, EndKind::reset},
        {std::errc::connection_aborted, EndKind::reset},
        {std::errc::broken_pipe, EndKind::reset}, // of a peer whose end had come before
        {std::errc::timed_out, EndKind::timed_out},
        {Errc::deadline_expired, EndKind::timed_out},
        {Errc::truncated, EndKind::truncated},
        {Errc::cancelled, EndKind::cancelled},
        {Errc::torn, EndKind::torn},
        {Errc::closed_locally, EndKind::closed_locally},
        {Errc::loop_gone, EndKind::closed_locally},
    };
    for (const auto& each : known)
        if (each.error == error) return each.kind;
    return EndKind::failed;
}

PackedError pack(const std::error_code& code) noexcept {
    if (code.category() == error_category()) return static_cast<Errc>(code.value());
    return static_cast<std::errc>(code.value());
}

} // namespace

// The first fatal error counts before the write that it tore, and both before an orderly end.
PackedError StreamEnds::cause(PackedError last_wait) const noexcept {
    if (is_closed_) return PackedError::from_value(cause_);
    if (const PackedError error = close_error()) return fatal_ ? fatal_ : error;
    return ended_in_order_ ? PackedError() : last_wait;
}

StreamPhase StreamEnds::phase() const noexcept {
    if (is_closed_) return phase_at_close_;
    if (closes_gracefully_ || (write_shut_ && ended_in_order_)) return StreamPhase::closing;
    return write_shut_ || ended_in_order_ ? StreamPhase::half_closed : StreamPhase::open;
}

void StreamEnds::keep_for_report(PackedError reason) noexcept {
    if (is_closed_) return;
    PackedError ended_by = cause(PackedError::from_value(cause_));
    if (!ended_by && !ended_in_order_) ended_by = reason;
    if (!is_closing_) phase_at_close_ = phase();
    was_orderly_ = ended_in_order_;
    cause_ = ended_by.value();
    is_closed_ = true;
}

EndReport StreamEnds::report(PackedError last_wait) const {
    EndReport report;
    report.phase = phase();
    if (const PackedError ended_by = cause(last_wait)) {
        report.kind = kind_of(ended_by);
        report.error = Error(ended_by.code());
    } else if (is_closed_ ? was_orderly_ : ended_in_order_) {
        report.kind = EndKind::orderly;
    }
    return report;
}

} // namespace detail

const char* name_of(EndKind kind) noexcept {
    static constexpr std::array names{"open",           "orderly",   "truncated",
                                      "reset",          "timed out", "cancelled",
                                      "closed locally", "torn",      "failed"};
    return names[static_cast<std::size_t>(kind)];
}

const char* name_of(StreamPhase phase) noexcept {
    static constexpr std::array names{"connecting", "shaking hands", "open", "half closed",
                                      "closing"};
    return names[static_cast<std::size_t>(phase)];
}

EndReport EndReport::of_failed_connect(const Endpoint& peer, const Error& error) {
    EndReport report;
    report.phase = StreamPhase::connecting;
    report.kind = detail::kind_of(detail::pack(error.code()));
    report.peer = peer;
    report.error = error;
    return report;
}

std::string EndReport::to_string() const {
    std::string line = name_of(kind);
    if (kind != EndKind::open || phase != StreamPhase::open)
        line.append(" while ").append(name_of(phase));
    line.append(", peer ").append(peer ? peer->to_string() : "unknown");
    line.append(", ").append(std::to_string(bytes_received)).append(" bytes in, ");
    line.append(std::to_string(bytes_sent)).append(" out");
    if (tls)
        line.append(" (TLS: ")
            .append(std::to_string(tls->encrypted))
            .append(" encrypted, records of ")
            .append(std::to_string(tls->sent))
            .append(" bytes sent and ")
            .append(std::to_string(tls->unsent))
            .append(" not)");
    if (error) line.append(": ").append(error->message());
    return line;
}

} // namespace tidemill
