// The inside of a TlsEngine: one SSL object with what its callbacks note.
#pragma once

#include "tls/engine_bio.hpp"
#include "tls/openssl.hpp"
#include "tls/tls_setup.hpp"
#include <optional>
#include <string>
#include <tidemill/core/error.hpp>
#include <tidemill/tls/tls_engine.hpp>

namespace tidemill::detail {

/// Installs what every connection notes about itself: alerts, key updates, the verdict on the
/// peer's certificate.
void watch_connections(SSL_CTX& context) noexcept;

class TlsSession {
public:
    explicit TlsSession(std::shared_ptr<const TlsSetup> setup);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    [[nodiscard]] static TlsSession& of(const SSL* ssl) noexcept;

    /// Makes it the client's side of a connection to `name`.
    void expect_server(std::string_view name);

    /// Call before a step; gives what conclude() wants to know.
    [[nodiscard]] std::size_t begin() noexcept {
        bio.is_starved = false;
        return bio.output->size();
    }
    /// What a step that OpenSSL has answered with `result` needs next.
    TlsNext conclude(int result, std::size_t output_before) noexcept;
    /// The step is complete.
    [[nodiscard]] TlsNext done(std::size_t output_before) const noexcept {
        return bio.output->size() > output_before ? TlsNext::have_output_then_done
                                                  : TlsNext::nothing;
    }
    TlsNext fail(Error error) noexcept;
    /// Tells OpenSSL how to take this input.
    void adapt_to_input() noexcept;
    /// Plain text has come, so key updates may as well.
    void earn_key_updates(std::size_t plain_bytes) noexcept;

    static constexpr unsigned most_key_updates = 32;
    static constexpr int no_alert = -1;

    const std::shared_ptr<const TlsSetup> setup; ///< outlives `ssl`, whose callbacks use it
    EngineBio bio;
    Owned<SSL> ssl;
    std::optional<Error> failure;
    std::string server_name; ///< that a client expects
    std::string objection;   ///< to the peer's certificate
    std::size_t plain_bytes_since_key_update = 0;
    unsigned key_updates_left = most_key_updates;
    int received_alert = no_alert; ///< fatal ones only
    int sent_alert = no_alert;     ///< fatal ones only
    /// Once and for all: what TLS calls a handshake after that, a key update, is none.
    bool is_handshake_complete = false;
    bool has_more = false; ///< text can be read without further input
    bool reads_ahead = false;
    bool has_close_notify = false; ///< OpenSSL has read one
    bool received_close_notify = false;
    bool sent_close_notify = false;
    bool input_has_ended = false;
    bool is_over_limit = false;

private:
    [[nodiscard]] Error explain();
    [[nodiscard]] std::string alerts() const;
};

} // namespace tidemill::detail
