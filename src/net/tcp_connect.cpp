// TcpStream: connecting and names.

#include "core/completion.hpp"
#include "net/tcp_options.hpp"
#include <new>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::Interest;
using detail::PackedError;

ConnectOperation TcpStream::connect(EventLoop& loop, const Endpoint& peer, Deadline deadline,
                                    const TcpOptions& options) noexcept {
    return {loop, peer, deadline, options};
}

bool TcpStream::start_connect(ConnectOperation& request, detail::PromiseBase& waiter) noexcept {
    detail::LoopCore& loop = request.loop_.core();
    const detail::SocketResult opened =
        loop.sockets().open(request.peer_.address(), detail::SocketKind::stream);
    if (opened.error) return detail::complete(request, waiter, opened.error, 0);
    try {
        *this = TcpStream(loop, opened.socket);
    } catch (const std::bad_alloc&) {
        loop.sockets().close(opened.socket);
        return detail::complete(request, waiter, std::errc::not_enough_memory, 0);
    }
    PackedError error = detail::apply_options(loop.sockets(), socket_, request.options_, true);
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

// Names

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

} // namespace tidemill
