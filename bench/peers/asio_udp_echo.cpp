// UDP echo with Asio's callbacks, as its tutorial has it: receive, answer, receive.
#include "announce.hpp"
#include <array>
#include <asio.hpp>

namespace {

using asio::ip::udp;

class Echo {
public:
    Echo(asio::io_context& context, asio::ip::port_type port)
        : socket_(context, {asio::ip::address_v4::loopback(), port}) {
        peers::announce(socket_.local_endpoint().port(), "udp");
        receive();
    }

private:
    void receive() {
        socket_.async_receive_from(
            asio::buffer(data_), sender_,
            [this](std::error_code error, std::size_t size) { error ? receive() : answer(size); });
    }
    void answer(std::size_t size) {
        socket_.async_send_to(asio::buffer(data_, size), sender_,
                              [this](std::error_code, std::size_t) { receive(); });
    }

    udp::socket socket_;
    udp::endpoint sender_;
    std::array<char, peers::read_buffer_bytes> data_;
};

} // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    Echo echo(context, static_cast<asio::ip::port_type>(peers::port_argument(argc, argv)));
    context.run();
}
