// What the echo servers on libevent share: a listener on loopback, and its loop.
#pragma once

#include "announce.hpp"
#include <cstdint>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace peers {

inline void on_read(bufferevent* connection, void*) {
    evbuffer_add_buffer(bufferevent_get_output(connection), bufferevent_get_input(connection));
}

inline void send_at_once(evutil_socket_t socket) {
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Serves until it fails; the status of the process.
inline int serve(int port, evconnlistener_cb on_connection, void* context) {
    event_base* const base = event_base_new();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    evconnlistener* const listener = evconnlistener_new_bind(
        base, on_connection, context, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, backlog,
        reinterpret_cast<sockaddr*>(&address), static_cast<int>(size));
    if (listener == nullptr) return 1;
    getsockname(evconnlistener_get_fd(listener), reinterpret_cast<sockaddr*>(&address), &size);
    announce(ntohs(address.sin_port));
    return event_base_dispatch(base) < 0 ? 1 : 0;
}

} // namespace peers
