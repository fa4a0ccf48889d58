// TCP echo with libevent's bufferevents, as its book has it: input is moved to the output.
#include "libevent_listen.hpp"

namespace {

void on_event(bufferevent* connection, short events, void*) {
    if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) bufferevent_free(connection);
}

void on_connection(evconnlistener* listener, evutil_socket_t socket, sockaddr*, int, void*) {
    peers::send_at_once(socket);
    event_base* const base = evconnlistener_get_base(listener);
    bufferevent* const connection = bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, peers::on_read, nullptr, on_event, nullptr);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

} // namespace

int main(int argc, char** argv) {
    return peers::serve(peers::port_argument(argc, argv), on_connection, nullptr);
}
