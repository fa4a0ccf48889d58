// What TLS is set up with: certificates, keys, whom to trust, and limits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tidemill/core/clock.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidemill {

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

/// Certificates or a key in PEM form. A path becomes one by itself; reload() reads the file again.
class PemSource {
public:
    PemSource() = default;
    PemSource(std::string path) : name_(std::move(path)), is_file_(true) {}
    PemSource(const char* path) : PemSource(std::string(path)) {}
    /// Text in memory; `name` is what errors call it.
    [[nodiscard]] static PemSource memory(std::string pem, std::string name = "(memory)") {
        PemSource source;
        source.name_ = std::move(name);
        source.text_ = std::move(pem);
        return source;
    }

    [[nodiscard]] bool empty() const noexcept { return name_.empty() && text_.empty(); }
    [[nodiscard]] bool is_file() const noexcept { return is_file_; }
    /// The path, or what errors call the text.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// If it is no file.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string name_;
    std::string text_;
    bool is_file_ = false;
};

/// Knows the passwords of encrypted keys. Asked whenever a key is loaded, on the loading thread.
class TlsKeyPassword {
public:
    virtual ~TlsKeyPassword() = default;
    [[nodiscard]] virtual std::string password(const std::string& key_name) = 0;
};

/// A TlsKeyPassword that calls `ask(key_name)`, which gives anything a std::string is made from.
template <class Ask> [[nodiscard]] std::shared_ptr<TlsKeyPassword> key_password(Ask ask) {
    class Asking final : public TlsKeyPassword {
    public:
        explicit Asking(Ask&& callable) : ask_(std::move(callable)) {}
        std::string password(const std::string& key_name) override { return ask_(key_name); }

    private:
        Ask ask_;
    };
    return std::make_shared<Asking>(std::move(ask));
}

/// A certificate with what leads from it to its root, and its key.
struct TlsIdentity {
    PemSource certificate; ///< own certificate first, then intermediate ones
    PemSource key;
    std::shared_ptr<TlsKeyPassword> password; ///< null: an encrypted key is an error
};

/// Who is believed when a peer shows a certificate.
struct TlsTrust {
    bool system_store = false; ///< what the operating system trusts
    std::vector<PemSource> authorities;
    /// Seconds since 1970 at which certificates must be valid; none: now. For machines without a
    /// clock, and for tests.
    std::optional<std::int64_t> verification_time_s;
};

enum class ClientCertificate : std::uint8_t {
    none,     ///< not asked for
    optional, ///< asked for; if one comes it must be trusted
    required, ///< without a trusted one the handshake fails
};

/// What both sides may choose. The defaults are TLS 1.2 and 1.3 with forward secrecy and
/// authenticated encryption only.
struct TlsCommonOptions {
    TlsVersion minimum_version = TlsVersion::v1_2;
    /// Application protocols, the preferred one first; empty: none is negotiated.
    std::vector<std::string> alpn;
    /// Leaves versions, suites and groups to the configuration file of OpenSSL.
    bool use_openssl_config = false;
    /// For debugging: a file that the secrets of every connection are appended to, with which
    /// whoever has it reads the traffic. Empty: none.
    std::string key_log_file;
};

struct TlsServerOptions : TlsCommonOptions {
    /// At least one. The first whose certificate covers the name that a client asks for is shown;
    /// else the first of all.
    std::vector<TlsIdentity> identities;
    ClientCertificate client_certificate = ClientCertificate::none;
    TlsTrust client_trust; ///< of client certificates; without authorities none can be trusted
    /// Clients may resume sessions by tickets, which only this context can read.
    bool session_tickets = true;
    /// Tickets are sealed with a new key after so long; a key opens tickets for twice as long.
    Duration ticket_key_lifetime = std::chrono::hours(4);
};

struct TlsClientOptions : TlsCommonOptions {
    TlsClientOptions() { trust.system_store = true; }

    TlsTrust trust;
    /// SHA-256 of certificates in hexadecimal digits, colons allowed. If there are any, a server
    /// is trusted if and only if its own certificate is one of them: neither its issuer nor its
    /// name nor its dates are looked at.
    std::vector<std::string> pinned_certificates;
    /// False: whoever answers is trusted, so anybody on the way can listen and change.
    bool verify = true;
    std::optional<TlsIdentity> identity; ///< shown to servers that ask for one
    bool resume_sessions = true;
    std::size_t remembered_sessions = 256;
};

} // namespace tidemill
