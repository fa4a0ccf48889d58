// TLS echo with libevent's OpenSSL bufferevents, as its book has it: libevent_echo over TLS.
#include "announce.hpp"
#include <cstdint>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

namespace {

void on_read(bufferevent* connection, void*) {
    evbuffer_add_buffer(bufferevent_get_output(connection), bufferevent_get_input(connection));
}

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
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    event_base* const base = evconnlistener_get_base(listener);
    bufferevent* const connection =
        bufferevent_openssl_socket_new(base, socket, SSL_new(static_cast<SSL_CTX*>(context)),
                                       BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, on_read, nullptr, on_event, nullptr);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1)
        return 1;
    event_base* const base = event_base_new();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(peers::port_argument(argc, argv)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    evconnlistener* const listener = evconnlistener_new_bind(
        base, on_connection, context, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, peers::backlog,
        reinterpret_cast<sockaddr*>(&address), static_cast<int>(size));
    if (listener == nullptr) return 1;
    getsockname(evconnlistener_get_fd(listener), reinterpret_cast<sockaddr*>(&address), &size);
    peers::announce(ntohs(address.sin_port));
    return event_base_dispatch(base) < 0 ? 1 : 0;
}
