// TlsServerContext and TlsClientContext: a setup of TLS that many connections share.
//
// A context is a handle on something shared: copies are cheap and mean the same setup. reload()
// replaces the setup for connections to come; those that run keep the one they began with.
#pragma once

#include <memory>
#include <tidemill/core/error.hpp>
#include <tidemill/tls/tls_options.hpp>

namespace tidemill {

namespace detail {
class TlsServerState;
class TlsClientState;
} // namespace detail

/// Thread: any; a context may be shared by loops.
class TlsServerContext {
public:
    /// The usual server: one certificate file (with its chain) and its key file.
    [[nodiscard]] static Result<TlsServerContext>
    from_files(std::string certificate_file, std::string key_file, TlsServerOptions options = {});
    /// Loads and checks everything that the options name.
    ///
    /// Errors: of the file system for a file that cannot be read, else `Errc::tls_setup`; the
    /// message names the file and says why. An own certificate that has expired is an error.
    [[nodiscard]] static Result<TlsServerContext> make(TlsServerOptions options);

    /// Reads all files again. Errors: as make(); everything is as before then.
    Result<void> reload() const;
    /// Seals tickets with a new key from now on; one that is two changes old opens none any more.
    void rotate_ticket_keys() const;

    [[nodiscard]] const std::shared_ptr<detail::TlsServerState>& state() const noexcept {
        return state_;
    }

private:
    explicit TlsServerContext(std::shared_ptr<detail::TlsServerState> state) noexcept;
    std::shared_ptr<detail::TlsServerState> state_;
};

/// Thread: any; a context may be shared by loops.
class TlsClientContext {
public:
    /// Errors: as TlsServerContext::make().
    [[nodiscard]] static Result<TlsClientContext> make(TlsClientOptions options = {});

    /// Reads all files again, and forgets sessions. Errors: as make(); everything is as before
    /// then.
    Result<void> reload() const;

    [[nodiscard]] const std::shared_ptr<detail::TlsClientState>& state() const noexcept {
        return state_;
    }

private:
    explicit TlsClientContext(std::shared_ptr<detail::TlsClientState> state) noexcept;
    std::shared_ptr<detail::TlsClientState> state_;
};

} // namespace tidemill
