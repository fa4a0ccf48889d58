// TLS 1.3 with AES-128-GCM on OpenSSL, as a client that believes anybody: what it costs is the same
// whatever server it talks to.
//
// The hard part is the handshake, which must not wait: fifty of them are under way at a time. What
// is to be sent meanwhile is remembered, and goes out as soon as it may.

#include "wire.hpp"
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace tidemill_bench {

namespace {

constexpr int longest_wait_ms = 10'000;

struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, Free>;

} // namespace

struct TlsEnd {
    std::unique_ptr<SSL, Free> ssl;
    std::vector<std::span<const char>> waiting; ///< for the end of the handshake
    bool must_resume = false;
};

namespace {

/// The newest of each place.
std::unordered_map<std::size_t, Session>& sessions() {
    static std::unordered_map<std::size_t, Session> all;
    return all;
}

std::size_t place_of(const SSL* ssl) {
    return reinterpret_cast<std::uintptr_t>(SSL_get_app_data(ssl));
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    sessions()[place_of(ssl)].reset(session);
    return 1; // it is ours now
}

SSL_CTX* make_context(const LoadOptions& options) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
        give_up("TLS cannot be set up");
    SSL_CTX_set_read_ahead(context, 1);
    if (options.resumes) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, &keep_session);
    }
    return context;
}

void wait_for(const Wire& wire, short what) {
    pollfd ready{wire.socket, what, 0};
    ::poll(&ready, 1, longest_wait_ms);
}

bool write_all(Wire& wire, std::span<const char> bytes) {
    SSL* const ssl = wire.tls->ssl.get();
    for (;;) {
        ERR_clear_error();
        const int written = SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
        if (written > 0) return true; // partial writes are not enabled
        if (SSL_get_error(ssl, written) != SSL_ERROR_WANT_WRITE) return false;
        wait_for(wire, POLLOUT);
    }
}

// What recv() would have said.
ssize_t translated(const SSL* ssl, int result) {
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    default: errno = EPROTO; return -1;
    }
}

// 1 when it is complete, and what has waited for that is sent.
ssize_t shake_hands(Wire& wire) {
    TlsEnd& tls = *wire.tls;
    SSL* const ssl = tls.ssl.get();
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl);
    if (result != 1) return translated(ssl, result);
    bool is_sent = !tls.must_resume || SSL_session_reused(ssl) == 1;
    for (const auto& bytes : tls.waiting) is_sent = is_sent && write_all(wire, bytes);
    tls.waiting.clear();
    if (is_sent) return 1;
    errno = EPROTO;
    return -1;
}

} // namespace

Wire::Wire() = default;
Wire::Wire(Wire&& other) noexcept = default;
Wire& Wire::operator=(Wire&& other) noexcept = default;
Wire::~Wire() = default;

Wire open_wire(const LoadOptions& options, std::size_t place) {
    static SSL_CTX* const context = make_context(options);
    Wire wire;
    wire.socket = open_connection(options);
    ::fcntl(wire.socket, F_SETFL, ::fcntl(wire.socket, F_GETFL) | O_NONBLOCK);
    wire.tls = std::make_unique<TlsEnd>();
    wire.tls->ssl.reset(SSL_new(context));
    SSL* const ssl = wire.tls->ssl.get();
    SSL_set_app_data(ssl, reinterpret_cast<void*>(place));
    SSL_set_fd(ssl, wire.socket);
    SSL_set_connect_state(ssl);
    if (const auto found = sessions().find(place); found != sessions().end()) {
        SSL_set_session(ssl, found->second.get());
        wire.tls->must_resume = true;
    }
    static_cast<void>(shake_hands(wire)); // a failure is found again by whoever receives
    return wire;
}

bool send_all(Wire& wire, const char* data, std::size_t size) {
    const std::span<const char> bytes(data, size);
    if (SSL_is_init_finished(wire.tls->ssl.get()) != 0) return write_all(wire, bytes);
    wire.tls->waiting.push_back(bytes);
    return true;
}

ssize_t receive(Wire& wire, char* into, std::size_t size, bool waits) {
    SSL* const ssl = wire.tls->ssl.get();
    if (waits && SSL_has_pending(ssl) == 0) wait_for(wire, POLLIN);
    if (SSL_is_init_finished(ssl) == 0)
        if (const ssize_t result = shake_hands(wire); result != 1) return result;
    ERR_clear_error();
    const int count = SSL_read(ssl, into, static_cast<int>(size));
    return count > 0 ? count : translated(ssl, count);
}

bool has_more(const Wire& wire) { return SSL_has_pending(wire.tls->ssl.get()) != 0; }

void close_wire(Wire& wire) {
    SSL_shutdown(wire.tls->ssl.get());
    ERR_clear_error();
    ::close(wire.socket);
}

// No end can be announced inside a handshake. The answers that are still to come are not looked at.
void finish_wire(Wire& wire) {
    SSL* const ssl = wire.tls->ssl.get();
    wire.tls->waiting.clear();
    while (SSL_is_init_finished(ssl) == 0) {
        wait_for(wire, POLLIN);
        if (shake_hands(wire) < 0 && errno != EAGAIN) break;
    }
    SSL_shutdown(ssl);
    ERR_clear_error();
    ::shutdown(wire.socket, SHUT_WR);
    std::array<char, 64 * 1024> rest;
    do wait_for(wire, POLLIN);
    while (::recv(wire.socket, rest.data(), rest.size(), 0) > 0);
    ::close(wire.socket);
}

} // namespace tidemill_bench
