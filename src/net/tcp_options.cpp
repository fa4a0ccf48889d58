// TcpStream: options, and what the system knows.

#include "net/tcp_options.hpp"
#include "core/loop_core.hpp"
#include <algorithm>
#include <limits>
#include <tidemill/net/tcp_stream.hpp>

namespace tidemill {

using detail::PackedError;
using detail::SocketOption;

namespace {

// Rounded up: a limit is never shorter than what was asked for.
template <class Unit> int whole(Duration time) noexcept {
    const auto count = std::chrono::ceil<Unit>(time).count();
    return static_cast<int>(std::clamp<std::int64_t>(count, 0, std::numeric_limits<int>::max()));
}

} // namespace

PackedError detail::apply_options(Sockets& sockets, NativeSocket socket, const TcpOptions& options,
                                  bool is_fresh) noexcept {
    PackedError error;
    const auto set = [&](SocketOption option, int value, bool is_wanted) {
        if (!error && is_wanted) error = sockets.set_option(socket, option, value);
    };
    set(SocketOption::no_delay, options.no_delay ? 1 : 0, options.no_delay || !is_fresh);
    set(SocketOption::receive_buffer, options.receive_buffer_bytes,
        options.receive_buffer_bytes > 0);
    set(SocketOption::send_buffer, options.send_buffer_bytes, options.send_buffer_bytes > 0);
    set(SocketOption::user_timeout, whole<std::chrono::milliseconds>(options.user_timeout),
        options.user_timeout > Duration::zero());
    if (error || (!options.keep_alive && is_fresh)) return error;
    return sockets.set_keep_alive(socket, {options.keep_alive,
                                           whole<std::chrono::seconds>(options.keep_alive_idle),
                                           whole<std::chrono::seconds>(options.keep_alive_interval),
                                           options.keep_alive_count});
}

Result<void> TcpStream::set_options(const TcpOptions& options) {
    if (!is_open()) return failure(Errc::closed_locally);
    const PackedError error = detail::apply_options(loop_->sockets(), socket_, options, false);
    if (error) return failure(error.code());
    return {};
}

Result<TcpOptions> TcpStream::options() const {
    if (!is_open()) return failure(Errc::closed_locally);
    PackedError first_error;
    const auto read_back = [&](SocketOption option) {
        const auto [value, error] = loop_->sockets().option(socket_, option);
        const bool is_unknown = error == PackedError(Errc::not_supported) ||
                                error == PackedError(std::errc::no_protocol_option);
        if (error && !is_unknown) first_error = error;
        return error ? 0 : value;
    };
    TcpOptions options;
    options.no_delay = read_back(SocketOption::no_delay) != 0;
    options.keep_alive = read_back(SocketOption::keep_alive) != 0;
    options.receive_buffer_bytes = read_back(SocketOption::receive_buffer);
    options.send_buffer_bytes = read_back(SocketOption::send_buffer);
    options.keep_alive_idle = std::chrono::seconds(read_back(SocketOption::keep_alive_idle));
    options.keep_alive_interval =
        std::chrono::seconds(read_back(SocketOption::keep_alive_interval));
    options.keep_alive_count = read_back(SocketOption::keep_alive_count);
    options.user_timeout = std::chrono::milliseconds(read_back(SocketOption::user_timeout));
    if (first_error) return failure(first_error.code());
    return options;
}

Result<TcpInfo> TcpStream::info() const {
    if (!is_open()) return failure(Errc::closed_locally);
    const detail::TcpInfoResult result = loop_->sockets().tcp_info(socket_);
    if (result.error) return failure(result.error.code());
    return result.info;
}

detail::Unacknowledged TcpStream::unacknowledged() const noexcept {
    if (!is_open()) return {0, true, 0, ends_.fatal()};
    return loop_->sockets().unacknowledged(socket_, {sent_, ends_.is_write_shut()});
}

} // namespace tidemill
