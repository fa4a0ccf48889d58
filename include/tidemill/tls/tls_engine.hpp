// TlsEngine: TLS without a socket. Bytes in, bytes out, plain text both ways.
//
// There is no clock, no loop and no transport inside, so everything that TLS does can be tested in
// memory. Whoever drives it carries the bytes: ciphertext of the peer is offered by set_input(),
// ciphertext for the peer is appended to the buffer given by set_output(), and each step answers
// what it needs next. What is appended must be sent even when a step has failed, since the alert
// that tells the peer why is among it.
//
// The end of the transport is nothing that TLS can see: orderly is only what
// received_close_notify() says, and everything else is `Errc::truncated`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tidemill/core/error.hpp>
#include <tidemill/tls/tls_context.hpp>
#include <tidemill/tls/tls_peer_info.hpp>
#include <vector>

namespace tidemill {

namespace detail {
class TlsSession;
}

/// What a step of a TlsEngine needs.
enum class TlsNext : std::uint8_t {
    want_input,             ///< offer more ciphertext, then take the step again
    have_output_then_again, ///< send what was appended, then take the step again
    have_output_then_done,  ///< the step is complete; send what was appended
    nothing,                ///< the step is complete
    failed,                 ///< failure() says why; send what was appended; nothing else will work
};

/// Movable. Steps do not throw: a lack of memory is a failure. Thread: one at a time.
class TlsEngine {
public:
    using Output = std::vector<std::byte>;
    /// The most plain text that goes into one record, and into one write().
    static constexpr std::size_t largest_write_bytes = 16 * 1024;

    /// The server's side. Throws std::bad_alloc.
    explicit TlsEngine(const TlsServerContext& context);
    /// The client's side. The certificate must be for `server_name`, a host name or an address; a
    /// name is sent along as well. Throws std::bad_alloc.
    TlsEngine(const TlsClientContext& context, std::string_view server_name);
    TlsEngine(TlsEngine&& other) noexcept;
    TlsEngine& operator=(TlsEngine&& other) noexcept;
    ~TlsEngine();

    /// Ciphertext for the following steps; borrowed until unread_input() is empty or the next call.
    void set_input(std::span<const std::byte> input) noexcept;
    /// What the steps have left of it.
    [[nodiscard]] std::span<const std::byte> unread_input() const noexcept;
    /// No further input will come: a step that wants some fails with `Errc::truncated`, unless the
    /// peer has ended in order.
    void end_input() noexcept;
    /// Where the following steps append; borrowed until the next call. Must be called once before
    /// the first step.
    void set_output(Output& output) noexcept;

    /// Agrees with the peer on everything. To be taken until it is complete, before anything else.
    TlsNext handshake() noexcept;
    /// Decrypts into `into`, which must not be empty, from as many records as have come, until it
    /// is full. Complete with a `count` of 0: the peer has ended in order.
    TlsNext read(std::span<std::byte> into, std::size_t& count) noexcept;
    /// Encrypts all of `plain`, at most largest_write_bytes (checked); always complete or failed.
    TlsNext write(std::span<const std::byte> plain) noexcept;
    /// Tells the peer that nothing follows. Reading goes on; what TLS itself would still have to
    /// say is dropped. Always complete or failed.
    TlsNext shutdown() noexcept;

    /// Between steps OpenSSL gives back the 34 KiB that a record takes, unless this asks it to keep
    /// them, which is faster.
    void keep_buffers(bool keeps) noexcept;

    [[nodiscard]] bool is_handshake_complete() const noexcept;
    [[nodiscard]] bool received_close_notify() const noexcept;
    [[nodiscard]] bool sent_close_notify() const noexcept;
    /// The last read() has left text, or records, that need no further input.
    [[nodiscard]] bool has_more() const noexcept;
    /// The input so far ended with a whole record.
    [[nodiscard]] bool is_at_record_boundary() const noexcept;
    [[nodiscard]] bool has_failed() const noexcept;
    /// Why a step has failed: `Errc::tls_failed`, `tls_alert`, `not_trusted`, `truncated`,
    /// `limit_reached` (more key updates than anybody needs), std::errc::not_enough_memory. The
    /// message names the alert and holds everything that OpenSSL had to say. Only after a failure.
    [[nodiscard]] const Error& failure() const noexcept;
    /// Once the handshake is complete. Throws std::bad_alloc.
    [[nodiscard]] TlsPeerInfo peer_info() const;

    /// For the library's own use.
    [[nodiscard]] detail::TlsSession& session() const noexcept { return *session_; }

private:
    std::unique_ptr<detail::TlsSession> session_;
};

} // namespace tidemill
