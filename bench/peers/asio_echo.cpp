// TCP echo with Asio's callbacks, as its tutorial has it: a session owned by its handlers.
#include "announce.hpp"
#include <array>
#include <asio.hpp>
#include <memory>

namespace {

using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
public:
    explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}
    void start() {
        socket_.set_option(tcp::no_delay(true));
        read();
    }

private:
    void read() {
        socket_.async_read_some(asio::buffer(data_),
                                [self = shared_from_this()](std::error_code error, std::size_t n) {
                                    if (!error) self->write(n);
                                });
    }
    void write(std::size_t size) {
        asio::async_write(socket_, asio::buffer(data_, size),
                          [self = shared_from_this()](std::error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    tcp::socket socket_;
    std::array<char, peers::read_buffer_bytes> data_;
};

void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](std::error_code error, tcp::socket socket) {
        if (!error) std::make_shared<Session>(std::move(socket))->start();
        accept(acceptor);
    });
}

} // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    const auto port = static_cast<asio::ip::port_type>(peers::port_argument(argc, argv));
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    peers::announce(acceptor.local_endpoint().port());
    accept(acceptor);
    context.run();
}
