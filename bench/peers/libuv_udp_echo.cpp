// UDP echo with libuv, as its guide has it: uv_udp_send with a request on the heap, which holds the
// bytes. With the argument `mmsg` after the port it receives by recvmmsg (UV_UDP_RECVMMSG), whose
// datagrams stay in the read buffer until the last of them has been handed over.
#include "announce.hpp"
#include <cstring>
#include <netinet/in.h>
#include <uv.h>

namespace {

char read_buffer[20 * peers::read_buffer_bytes]; // as much as libuv takes in one call

struct SendRequest {
    uv_udp_send_t request;
    char data[1];
};

void allocate(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(read_buffer, sizeof read_buffer);
}

void on_sent(uv_udp_send_t* request, int) { std::free(request); }

void on_received(uv_udp_t* socket, ssize_t count, const uv_buf_t* buffer, const sockaddr* sender,
                 unsigned) {
    if (count < 0 || sender == nullptr) return;
    const auto size = static_cast<std::size_t>(count);
    auto* const out = static_cast<SendRequest*>(std::malloc(sizeof(SendRequest) + size));
    std::memcpy(out->data, buffer->base, size);
    const uv_buf_t bytes = uv_buf_init(out->data, static_cast<unsigned>(size));
    if (uv_udp_send(&out->request, socket, &bytes, 1, sender, on_sent) != 0) std::free(out);
}

} // namespace

int main(int argc, char** argv) {
    const bool uses_mmsg = argc > 2 && std::strcmp(argv[2], "mmsg") == 0;
    uv_loop_t* const loop = uv_default_loop();
    uv_udp_t socket;
    sockaddr_in address;
    unsigned flags = AF_INET;
    if (uses_mmsg) flags |= UV_UDP_RECVMMSG;
    uv_udp_init_ex(loop, &socket, flags);
    uv_ip4_addr("127.0.0.1", peers::port_argument(argc, argv), &address);
    if (uv_udp_bind(&socket, reinterpret_cast<const sockaddr*>(&address), 0) != 0) return 1;
    int size = sizeof address;
    uv_udp_getsockname(&socket, reinterpret_cast<sockaddr*>(&address), &size);
    peers::announce(ntohs(address.sin_port), "udp");
    uv_udp_recv_start(&socket, allocate, on_received);
    return uv_run(loop, UV_RUN_DEFAULT);
}
