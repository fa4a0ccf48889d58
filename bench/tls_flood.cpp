// A flood of handshakes: greets a TLS server again and again, waits for its answer, and leaves.
//
//     tls_flood PORT CONNECTIONS DELAY_MS
//
// The answer, with its signature, costs the server as much as a hundred messages, and this client
// next to nothing: it made its greeting once and never looks at an answer. So a server has always
// CONNECTIONS handshakes before it. Ends with its standard input, and says how many were answered.

#include "load_client.hpp"
#include <array>
#include <cstdio>
#include <cstdlib>
#include <openssl/ssl.h>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using tidemill_bench::give_up;

std::vector<char> make_greeting() {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL* const ssl = SSL_new(context);
    BIO* const output = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), output);
    SSL_set_connect_state(ssl);
    SSL_do_handshake(ssl);
    char* data = nullptr;
    const long size = BIO_get_mem_data(output, &data);
    if (size <= 0) give_up("no greeting");
    std::vector<char> greeting(data, data + size);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return greeting;
}

int greet(const tidemill_bench::LoadOptions& options, std::span<const char> greeting) {
    const int socket = tidemill_bench::open_connection(options);
    if (::send(socket, greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) give_up("send");
    return socket;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    tidemill_bench::LoadOptions options;
    options.port = std::atoi(argv[1]);
    options.connections = static_cast<std::size_t>(std::atoi(argv[2]));
    const std::vector<char> greeting = make_greeting();
    std::vector<pollfd> all{{STDIN_FILENO, POLLIN, 0}};
    ::poll(all.data(), 1, std::atoi(argv[3]));
    while (all.size() <= options.connections) all.push_back({greet(options, greeting), POLLIN, 0});
    unsigned long long answered = 0;
    const double began_ns = tidemill_bench::clock_ns(CLOCK_MONOTONIC);
    while (all.front().revents == 0) {
        if (::poll(all.data(), all.size(), 1000) < 0) give_up("poll");
        for (pollfd& each : std::span(all).subspan(1)) {
            if (each.revents == 0) continue;
            std::array<char, 16 * 1024> ignored;
            if (::recv(each.fd, ignored.data(), ignored.size(), 0) > 0) ++answered;
            ::close(each.fd);
            each = {greet(options, greeting), POLLIN, 0};
        }
    }
    const double seconds = (tidemill_bench::clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e9;
    std::printf("%.0f\n", static_cast<double>(answered) / seconds);
}
