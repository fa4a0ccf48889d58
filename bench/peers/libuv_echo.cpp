// TCP echo with libuv, as its guide has it: uv_write with a request on the heap, which holds the
// bytes, since the read buffer is used again before they are sent.
//
// With the argument `try` after the port it sends at once what the kernel takes (uv_try_write) and
// only the rest in that way.
#include "announce.hpp"
#include <cstring>
#include <netinet/in.h>
#include <uv.h>

namespace {

bool tries_first = false;
char read_buffer[peers::read_buffer_bytes];

struct WriteRequest {
    uv_write_t request;
    char data[1];
};

void on_closed(uv_handle_t* handle) { std::free(handle); }

void close(uv_stream_t* stream) {
    auto* const handle = reinterpret_cast<uv_handle_t*>(stream);
    if (!uv_is_closing(handle)) uv_close(handle, on_closed);
}

void on_written(uv_write_t* request, int status) {
    if (status < 0) close(request->handle);
    std::free(request);
}

void write(uv_stream_t* stream, const char* data, std::size_t size) {
    auto* const out = static_cast<WriteRequest*>(std::malloc(sizeof(WriteRequest) + size));
    std::memcpy(out->data, data, size);
    const uv_buf_t buffer = uv_buf_init(out->data, static_cast<unsigned>(size));
    if (uv_write(&out->request, stream, &buffer, 1, on_written) == 0) return;
    std::free(out);
    close(stream);
}

void allocate(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(read_buffer, sizeof read_buffer);
}

void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    if (count < 0) return close(stream);
    auto size = static_cast<std::size_t>(count);
    const char* data = buffer->base;
    if (tries_first) {
        const uv_buf_t all = uv_buf_init(buffer->base, static_cast<unsigned>(size));
        const int sent = uv_try_write(stream, &all, 1);
        if (sent < 0 && sent != UV_EAGAIN) return close(stream);
        if (sent > 0) {
            data += sent;
            size -= static_cast<std::size_t>(sent);
        }
    }
    if (size > 0) write(stream, data, size);
}

void on_connection(uv_stream_t* listener, int status) {
    if (status < 0) return;
    auto* const socket = static_cast<uv_tcp_t*>(std::malloc(sizeof(uv_tcp_t)));
    auto* const stream = reinterpret_cast<uv_stream_t*>(socket);
    uv_tcp_init(listener->loop, socket);
    if (uv_accept(listener, stream) != 0) return close(stream);
    uv_tcp_nodelay(socket, 1);
    uv_read_start(stream, allocate, on_read);
}

} // namespace

int main(int argc, char** argv) {
    tries_first = argc > 2 && std::strcmp(argv[2], "try") == 0;
    uv_loop_t* const loop = uv_default_loop();
    uv_tcp_t listener;
    sockaddr_in address;
    uv_tcp_init(loop, &listener);
    uv_ip4_addr("127.0.0.1", peers::port_argument(argc, argv), &address);
    uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0);
    if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), peers::backlog, on_connection) != 0)
        return 1;
    int size = sizeof address;
    uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
    peers::announce(ntohs(address.sin_port));
    return uv_run(loop, UV_RUN_DEFAULT);
}
