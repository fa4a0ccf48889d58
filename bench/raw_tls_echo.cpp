// The floor for TLS: an echo server written by hand on epoll and SSL_set_fd, with read-ahead.
//
//     raw_tls_echo PORT CERTIFICATE KEY
//
// OpenSSL reads and writes the socket by itself, as its manual teaches it. TLS 1.3 with
// AES-128-GCM, which the library chooses too. It waits for a peer that does not read.

#include "raw_listen.hpp"
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int events_per_turn = 1024;

struct Connection {
    SSL* ssl;
    int socket;
};

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "raw_tls_echo: %s\n", what);
    std::exit(1);
}

SSL_CTX* make_context(const char* certificate, const char* key) {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_read_ahead(context, 1);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        give_up("certificate and key cannot be used");
    return context;
}

void accept_all(int epoll, int listener, SSL_CTX* context) {
    for (;;) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) return;
        SSL* const ssl = SSL_new(context);
        SSL_set_fd(ssl, socket);
        SSL_set_accept_state(ssl);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = new Connection{ssl, socket};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
}

// The same bytes again and again, as OpenSSL demands it.
bool write_all(const Connection& connection, const char* data, int size) {
    for (;;) {
        const int written = SSL_write(connection.ssl, data, size);
        if (written == size) return true;
        if (SSL_get_error(connection.ssl, written) != SSL_ERROR_WANT_WRITE) return false;
        pollfd writable{connection.socket, POLLOUT, 0};
        ::poll(&writable, 1, -1);
    }
}

void close_connection(Connection* connection) {
    SSL_free(connection->ssl);
    ::close(connection->socket);
    delete connection;
}

// All records that have come; what one of them held is sent before the next is read.
void echo(Connection* connection, std::vector<char>& buffer) {
    for (;;) {
        const int size = static_cast<int>(buffer.size());
        const int count = SSL_read(connection->ssl, buffer.data(), size);
        if (count > 0) {
            if (!write_all(*connection, buffer.data(), count)) return close_connection(connection);
            if (SSL_has_pending(connection->ssl) == 0) return;
            continue;
        }
        const int status = SSL_get_error(connection->ssl, count);
        if (status == SSL_ERROR_WANT_READ) return;
        if (status == SSL_ERROR_ZERO_RETURN) SSL_shutdown(connection->ssl); // our end for theirs
        return close_connection(connection);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) give_up("usage: raw_tls_echo PORT CERTIFICATE KEY");
    SSL_CTX* const context = make_context(argv[2], argv[3]);
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to sockets without MSG_NOSIGNAL
    int port = std::atoi(argv[1]);
    const int listener = raw::listen_on_loopback(port);
    raw::announce("tls", port);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr; // the listener
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    std::vector<char> buffer(64 * 1024);
    std::array<epoll_event, events_per_turn> events{};
    for (;;) {
        const int count = ::epoll_wait(epoll, events.data(), events_per_turn, -1);
        for (int i = 0; i < count; ++i) {
            auto* const connection =
                static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            connection == nullptr ? accept_all(epoll, listener, context) : echo(connection, buffer);
        }
    }
}
