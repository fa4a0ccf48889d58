// TLS echo with Asio's callbacks, as its tutorial has it: the session of asio_echo over
// ssl::stream.
#include "announce.hpp"
#include <array>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <memory>

namespace {

using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, asio::ssl::context& context)
        : stream_(std::move(socket), context) {}
    void start() {
        stream_.next_layer().set_option(tcp::no_delay(true));
        stream_.async_handshake(asio::ssl::stream_base::server,
                                [self = shared_from_this()](std::error_code error) {
                                    if (!error) self->read();
                                });
    }

private:
    void read() {
        stream_.async_read_some(asio::buffer(data_),
                                [self = shared_from_this()](std::error_code error, std::size_t n) {
                                    if (!error) return self->write(n);
                                    if (error == asio::error::eof) self->shut_down();
                                });
    }
    void write(std::size_t size) {
        asio::async_write(stream_, asio::buffer(data_, size),
                          [self = shared_from_this()](std::error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }
    void shut_down() {
        stream_.async_shutdown([self = shared_from_this()](std::error_code) {});
    }

    asio::ssl::stream<tcp::socket> stream_;
    std::array<char, peers::read_buffer_bytes> data_;
};

void accept(tcp::acceptor& acceptor, asio::ssl::context& context) {
    acceptor.async_accept([&](std::error_code error, tcp::socket socket) {
        if (!error) std::make_shared<Session>(std::move(socket), context)->start();
        accept(acceptor, context);
    });
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    asio::io_context loop(1);
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_chain_file(argv[2]);
    context.use_private_key_file(argv[3], asio::ssl::context::pem);
    const auto port = static_cast<asio::ip::port_type>(peers::port_argument(argc, argv));
    tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), port});
    peers::announce(acceptor.local_endpoint().port());
    accept(acceptor, context);
    loop.run();
}
