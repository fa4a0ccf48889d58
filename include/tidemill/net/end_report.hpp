// How a connection ended, in full: what a service logs about a conversation that is over.
//
// Operations tell their caller what he has to know to go on; a report tells people what became of
// the whole stream: which end it was, how far it had come, what had passed in each direction, whom
// it was with, and what the system or TLS said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tidemill/core/error.hpp>
#include <tidemill/net/endpoint.hpp>

namespace tidemill {

/// What ended a stream.
enum class EndKind : std::uint8_t {
    open,           ///< nothing has; both directions may go on
    orderly,        ///< the peer has ended its direction in the way that its protocol requires
    truncated,      ///< the transport ended without the notice that TLS requires
    reset,          ///< the peer, or its system, has reset the connection
    timed_out,      ///< the network gave up, or the last wait ran into its deadline
    cancelled,      ///< the last wait was cancelled, or its task was destroyed
    closed_locally, ///< this side closed or aborted it before the peer had ended
    torn,           ///< a write of ours was left half sent
    failed,         ///< anything else: EndReport::error says what
};

/// How far a connection had come.
enum class StreamPhase : std::uint8_t {
    connecting,
    handshake,   ///< of TLS
    open,        ///< both directions
    half_closed, ///< one side has ended its direction
    closing,     ///< both have, or close_gracefully() was waiting for the peer to
};

/// The word that to_string() prints: "orderly", "timed out", ...
[[nodiscard]] const char* name_of(EndKind kind) noexcept;
[[nodiscard]] const char* name_of(StreamPhase phase) noexcept;

/// What became of the bytes that a TLS stream was given to write.
struct TlsEndBytes {
    std::uint64_t accepted = 0;  ///< plain text taken from writers
    std::uint64_t encrypted = 0; ///< of that, plain text that was made into records
    std::uint64_t sent = 0;      ///< ciphertext that the stream below has taken
    std::uint64_t unsent = 0;    ///< ciphertext that it has not taken, and will not after an end
};

/// A value; it refers to nothing. Made by Stream::end_report().
struct EndReport {
    EndKind kind = EndKind::open;
    StreamPhase phase = StreamPhase::open;
    std::uint64_t bytes_received = 0; ///< as handed out; of plain text under TLS
    std::uint64_t bytes_sent = 0;     ///< as Stream::write() has counted them
    std::optional<TlsEndBytes> tls;
    /// Nothing if the system does not tell it any more, and for streams in memory.
    std::optional<Endpoint> peer;
    /// What the system said, or TLS with its alert and all reasons. Nothing for an orderly end.
    std::optional<Error> error;

    /// A connection that never came to be; it has no Stream that could be asked.
    [[nodiscard]] static EndReport of_failed_connect(const Endpoint& peer, const Error& error);

    /// One line for people, UTF-8, without a line break:
    /// "reset while open, peer 127.0.0.1:4000, 12 bytes in, 7 out: Connection reset by peer".
    [[nodiscard]] std::string to_string() const;
};

} // namespace tidemill
