// TLS echo with libevent's OpenSSL bufferevents, as its book has it: libevent_echo over TLS.
#include "libevent_listen.hpp"
#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>

namespace {

// The book's way to an orderly end.
void on_event(bufferevent* connection, short events, void*) {
    if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0) return;
    SSL* const ssl = bufferevent_openssl_get_ssl(connection);
    SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
    SSL_shutdown(ssl);
    bufferevent_free(connection);
}

void on_connection(evconnlistener* listener, evutil_socket_t socket, sockaddr*, int,
                   void* context) {
    peers::send_at_once(socket);
    event_base* const base = evconnlistener_get_base(listener);
    bufferevent* const connection =
        bufferevent_openssl_socket_new(base, socket, SSL_new(static_cast<SSL_CTX*>(context)),
                                       BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, peers::on_read, nullptr, on_event, nullptr);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1)
        return 1;
    return peers::serve(peers::port_argument(argc, argv), on_connection, context);
}
