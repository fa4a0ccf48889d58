// TcpStream: connecting, names and options.

#include "core/completion.hpp"
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::Interest;
using detail::PackedError;
using detail::SocketOption;

namespace {

struct OptionValue {
    SocketOption option;
    int value;
};

} // namespace

ConnectOperation TcpStream::connect(EventLoop& loop, const Endpoint& peer, Deadline deadline,
                                    const TcpOptions& options) noexcept {
    return {loop, peer, deadline, options};
}

bool TcpStream::start_connect(ConnectOperation& request, detail::PromiseBase& waiter) noexcept {
    detail::LoopCore& loop = request.loop_.core();
    const detail::SocketResult opened =
        loop.sockets().open(request.peer_.address(), detail::SocketKind::stream);
    if (opened.error) return detail::complete(request, waiter, opened.error, 0);
    *this = TcpStream(loop, opened.socket);
    PackedError error = apply_options(request.options_);
    if (!error) error = loop.sockets().connect(socket_, request.peer_);
    // Some systems connect to themselves at once.
    if (!error) return detail::complete(request, waiter, error, 0);
    if (error == PackedError(std::errc::operation_in_progress)) error = want(Interest::write);
    if (error) {
        close_now();
        return detail::complete(request, waiter, error, 0);
    }
    if (!request.deadline().is_default()) deadlines_.start_write(*loop_, *this, request.deadline());
    writer_ = &request;
    request.park(*this, waiter);
    return true;
}

void TcpStream::finish_connect(ConnectOperation& request) noexcept {
    writer_ = nullptr;
    PackedError error = loop_->sockets().connect_result(socket_);
    if (!error && ending_ == detail::Ending::failed) error = std::errc::connection_refused;
    if (error) close_now();
    request.finish_now(error);
}

Result<TcpStream> ConnectOperation::await_resume() {
    if (error()) {
        stream_.abort();
        return failure(Error(error().code(), "connect to " + peer_.to_string()));
    }
    return std::move(stream_);
}

// Names and options

Result<Endpoint> TcpStream::local_endpoint() const {
    if (!is_open()) return failure(Errc::closed_locally);
    const detail::EndpointResult result = loop_->sockets().local_endpoint(socket_);
    if (result.error) return failure(result.error.code());
    return result.endpoint;
}

Result<Endpoint> TcpStream::peer_endpoint() const {
    if (!is_open()) return failure(Errc::closed_locally);
    const detail::EndpointResult result = loop_->sockets().peer_endpoint(socket_);
    if (result.error) return failure(result.error.code());
    return result.endpoint;
}

PackedError TcpStream::apply_options(const TcpOptions& options) noexcept {
    const OptionValue wanted[] = {
        {SocketOption::no_delay, options.no_delay ? 1 : 0},
        {SocketOption::keep_alive, options.keep_alive ? 1 : 0},
        {SocketOption::receive_buffer, options.receive_buffer_bytes},
        {SocketOption::send_buffer, options.send_buffer_bytes},
    };
    for (const auto& [option, value] : wanted) {
        const bool is_default = value == 0; // of a fresh socket; sizes of 0 leave the system's
        if (is_default && option != SocketOption::no_delay) continue;
        if (const PackedError error = loop_->sockets().set_option(socket_, option, value))
            return error;
    }
    return {};
}

Result<void> TcpStream::set_options(const TcpOptions& options) {
    if (!is_open()) return failure(Errc::closed_locally);
    PackedError error = apply_options(options);
    // apply_options() is for fresh sockets as well, and leaves out what those have off by default.
    if (!error && !options.keep_alive)
        error = loop_->sockets().set_option(socket_, SocketOption::keep_alive, 0);
    if (error) return failure(error.code());
    return {};
}

Result<TcpOptions> TcpStream::options() const {
    if (!is_open()) return failure(Errc::closed_locally);
    TcpOptions options;
    PackedError error;
    const auto read_back = [&](SocketOption option) {
        const detail::OptionResult result = loop_->sockets().option(socket_, option);
        if (result.error) error = result.error;
        return result.value;
    };
    options.no_delay = read_back(SocketOption::no_delay) != 0;
    options.keep_alive = read_back(SocketOption::keep_alive) != 0;
    options.receive_buffer_bytes = read_back(SocketOption::receive_buffer);
    options.send_buffer_bytes = read_back(SocketOption::send_buffer);
    if (error) return failure(error.code());
    return options;
}

} // namespace tidemill
