// TCP echo with Asio's coroutines, as its examples have it.
#include "announce.hpp"
#include <asio.hpp>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

awaitable<void> echo(tcp::socket socket) {
    try {
        char data[peers::read_buffer_bytes];
        for (;;) {
            const std::size_t size =
                co_await socket.async_read_some(asio::buffer(data), use_awaitable);
            co_await asio::async_write(socket, asio::buffer(data, size), use_awaitable);
        }
    } catch (const std::system_error&) { // any end
    }
}

awaitable<void> accept(tcp::acceptor& acceptor) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
    }
}

} // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    const auto port = static_cast<asio::ip::port_type>(peers::port_argument(argc, argv));
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    peers::announce(acceptor.local_endpoint().port());
    asio::co_spawn(context, accept(acceptor), asio::detached);
    context.run();
}
