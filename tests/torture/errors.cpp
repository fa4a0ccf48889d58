// The errors of each call, as the Linux manual has them: socket(2), bind(2), listen(2), accept(2),
// connect(2), recv(2), send(2), shutdown(2), getsockname(2), getpeername(2), setsockopt(2),
// epoll_ctl(2), epoll_wait(2), poll(2), select(2), and for what the network tells by way of any
// call on a socket ip(7), tcp(7) and udp(7). Left out is what only a wrong argument can cause
// (EBADF, EFAULT, EINVAL, ENOTSOCK ...); where POSIX names an error that Linux does not, it is
// said.
//
// EINTR ends below the seam, where the call is repeated, except in the two calls that have the bare
// form of the system's; a connect that it interrupts goes on. tests/examples/black_box lets the
// kernel interrupt the others.
#include "torture/errors.hpp"

namespace tidemill::torture {
namespace {

using enum Expect;
using support::Call;
using E = std::errc;

constexpr detail::PackedError none;

constexpr Failure table[] = {
    // socket(2)
    {Call::open, "EACCES", E::permission_denied, told},
    {Call::open, "EAFNOSUPPORT", E::address_family_not_supported, told},
    {Call::open, "EMFILE", E::too_many_files_open, told},
    {Call::open, "ENFILE", E::too_many_files_open_in_system, told},
    {Call::open, "ENOBUFS", E::no_buffer_space, told},
    {Call::open, "ENOMEM", E::not_enough_memory, told},
    {Call::open, "EPROTONOSUPPORT", E::protocol_not_supported, told},
    // bind(2)
    {Call::bind, "EACCES", E::permission_denied, told},
    {Call::bind, "EADDRINUSE", E::address_in_use, told},
    {Call::bind, "EADDRNOTAVAIL", E::address_not_available, told},
    {Call::bind, "ENOMEM", E::not_enough_memory, told},
    // listen(2)
    {Call::listen, "EADDRINUSE", E::address_in_use, told},
    {Call::listen, "EOPNOTSUPP", E::operation_not_supported, told},
    // accept(2), with the network errors that it hands out for the new connection
    {Call::accept, "EAGAIN", E::operation_would_block, nothing},
    {Call::accept, "ECONNABORTED", E::connection_aborted, nothing},
    {Call::accept, "EMFILE", E::too_many_files_open, nothing},
    {Call::accept, "ENFILE", E::too_many_files_open_in_system, nothing},
    {Call::accept, "ENOBUFS", E::no_buffer_space, nothing},
    {Call::accept, "ENOMEM", E::not_enough_memory, nothing},
    {Call::accept, "EPERM", E::operation_not_permitted, nothing},
    {Call::accept, "EPROTO", E::protocol_error, nothing},
    {Call::accept, "ENETDOWN", E::network_down, nothing},
    {Call::accept, "ENOPROTOOPT", E::no_protocol_option, nothing},
    {Call::accept, "EHOSTUNREACH", E::host_unreachable, nothing},
    {Call::accept, "EOPNOTSUPP", E::operation_not_supported, nothing},
    {Call::accept, "ENETUNREACH", E::network_unreachable, nothing},
    {Call::accept, "ETIMEDOUT", E::timed_out, nothing},
    // connect(2); EINTR and EINPROGRESS are one to the seam
    {Call::connect, "EINPROGRESS", E::operation_in_progress, nothing},
    {Call::connect, "EACCES", E::permission_denied, told},
    {Call::connect, "EPERM", E::operation_not_permitted, told},
    {Call::connect, "EADDRINUSE", E::address_in_use, told},
    {Call::connect, "EADDRNOTAVAIL", E::address_not_available, told},
    {Call::connect, "EAGAIN", E::operation_would_block, told},
    {Call::connect, "ECONNREFUSED", E::connection_refused, told},
    {Call::connect, "ENETUNREACH", E::network_unreachable, told},
    {Call::connect, "EHOSTUNREACH", E::host_unreachable, told},
    {Call::connect, "ETIMEDOUT", E::timed_out, told},
    // SO_ERROR of a connect that went on
    {Call::connect_result, "ECONNREFUSED", E::connection_refused, told},
    {Call::connect_result, "ECONNRESET", E::connection_reset, told},
    {Call::connect_result, "ETIMEDOUT", E::timed_out, told},
    {Call::connect_result, "EHOSTUNREACH", E::host_unreachable, told},
    {Call::connect_result, "ENETUNREACH", E::network_unreachable, told},
    {Call::connect_result, "ENETDOWN", E::network_down, told},
    {Call::connect_result, "EACCES", E::permission_denied, told},
    // recv(2), tcp(7), ip(7)
    {Call::receive_now, "CUT", none, nothing},
    {Call::receive_now, "EAGAIN", E::operation_would_block, nothing},
    {Call::receive_now, "EINTR", E::interrupted, nothing},
    {Call::receive_now, "ECONNREFUSED", E::connection_refused, told},
    {Call::receive_now, "ECONNRESET", E::connection_reset, told},
    {Call::receive_now, "ENOMEM", E::not_enough_memory, told},
    {Call::receive_now, "ENOBUFS", E::no_buffer_space, told}, // POSIX
    {Call::receive_now, "ETIMEDOUT", E::timed_out, told},
    {Call::receive_now, "ENOTCONN", E::not_connected, told},
    {Call::receive_now, "EHOSTUNREACH", E::host_unreachable, told},
    {Call::receive_now, "ENETUNREACH", E::network_unreachable, told},
    {Call::receive, "CUT", none, nothing},
    {Call::receive, "EAGAIN", E::operation_would_block, nothing},
    {Call::receive, "ECONNREFUSED", E::connection_refused, told_or_reset},
    {Call::receive, "ECONNRESET", E::connection_reset, told_or_reset},
    {Call::receive, "ENOMEM", E::not_enough_memory, told_or_reset},
    {Call::receive, "ENOBUFS", E::no_buffer_space, told_or_reset}, // POSIX
    {Call::receive, "ETIMEDOUT", E::timed_out, told_or_reset},
    {Call::receive, "ENOTCONN", E::not_connected, told_or_reset},
    {Call::receive, "EHOSTUNREACH", E::host_unreachable, told_or_reset},
    {Call::receive, "ENETUNREACH", E::network_unreachable, told_or_reset},
    // send(2), tcp(7), ip(7)
    {Call::send_now, "CUT", none, nothing},
    {Call::send_now, "EAGAIN", E::operation_would_block, nothing},
    {Call::send_now, "EINTR", E::interrupted, nothing},
    {Call::send_now, "EACCES", E::permission_denied, told},
    {Call::send_now, "ECONNRESET", E::connection_reset, told},
    {Call::send_now, "EPIPE", E::broken_pipe, told},
    {Call::send_now, "ENOBUFS", E::no_buffer_space, told},
    {Call::send_now, "ENOMEM", E::not_enough_memory, told},
    {Call::send_now, "EPERM", E::operation_not_permitted, told},
    {Call::send_now, "ETIMEDOUT", E::timed_out, told},
    {Call::send_now, "ENOTCONN", E::not_connected, told},
    {Call::send_now, "EHOSTUNREACH", E::host_unreachable, told},
    {Call::send_now, "ENETUNREACH", E::network_unreachable, told},
    {Call::send_now, "ENETDOWN", E::network_down, told},
    {Call::send, "CUT", none, nothing},
    {Call::send, "EAGAIN", E::operation_would_block, nothing},
    {Call::send, "ECONNRESET", E::connection_reset, told},
    {Call::send, "EPIPE", E::broken_pipe, told},
    {Call::send, "ENOBUFS", E::no_buffer_space, told},
    {Call::send, "ENOMEM", E::not_enough_memory, told},
    {Call::send, "EPERM", E::operation_not_permitted, told},
    {Call::send, "ETIMEDOUT", E::timed_out, told},
    {Call::send, "ENETDOWN", E::network_down, told},
    {Call::send_gathered, "CUT", none, nothing},
    {Call::send_gathered, "EAGAIN", E::operation_would_block, nothing},
    {Call::send_gathered, "ECONNRESET", E::connection_reset, told},
    {Call::send_gathered, "EPIPE", E::broken_pipe, told},
    {Call::send_gathered, "ENOBUFS", E::no_buffer_space, told},
    {Call::send_gathered, "ENOMEM", E::not_enough_memory, told},
    {Call::send_gathered, "ETIMEDOUT", E::timed_out, told},
    {Call::send_gathered, "ENETDOWN", E::network_down, told},
    // recvmsg(2), udp(7), ip(7); what routers and peers refuse is told of the socket by its policy,
    // which asks for the report (there is none here), and never by the datagram that met it
    {Call::receive_from, "EAGAIN", E::operation_would_block, nothing},
    {Call::receive_from, "ECONNREFUSED", E::connection_refused, told_or_nothing},
    {Call::receive_from, "ENOMEM", E::not_enough_memory, told},
    {Call::receive_from, "ENOBUFS", E::no_buffer_space, told}, // POSIX
    {Call::receive_from, "EHOSTUNREACH", E::host_unreachable, told_or_nothing},
    {Call::receive_from, "ENETUNREACH", E::network_unreachable, told_or_nothing},
    {Call::receive_from, "ENETDOWN", E::network_down, told_or_nothing},
    // sendto(2), udp(7), ip(7); what may be an earlier datagram's refusal is sent once more
    {Call::send_to, "EAGAIN", E::operation_would_block, nothing},
    {Call::send_to, "EACCES", E::permission_denied, told_or_nothing},
    {Call::send_to, "EPERM", E::operation_not_permitted, told},
    {Call::send_to, "EMSGSIZE", E::message_size, told_or_nothing},
    {Call::send_to, "ENOBUFS", E::no_buffer_space, told},
    {Call::send_to, "ENOMEM", E::not_enough_memory, told},
    {Call::send_to, "EPIPE", E::broken_pipe, told},
    {Call::send_to, "ECONNREFUSED", E::connection_refused, told_or_nothing},
    {Call::send_to, "ENETDOWN", E::network_down, told_or_nothing},
    {Call::send_to, "ENETUNREACH", E::network_unreachable, told_or_nothing},
    {Call::send_to, "EHOSTUNREACH", E::host_unreachable, told_or_nothing},
    // recvmmsg(2), sendmmsg(2): as for one datagram, and fewer than were offered
    {Call::receive_many, "CUT", none, nothing},
    {Call::receive_many, "EAGAIN", E::operation_would_block, nothing},
    {Call::receive_many, "ECONNREFUSED", E::connection_refused, told_or_nothing},
    {Call::receive_many, "ENOMEM", E::not_enough_memory, told},
    {Call::receive_many, "ENOBUFS", E::no_buffer_space, told}, // POSIX
    {Call::receive_many, "EHOSTUNREACH", E::host_unreachable, told_or_nothing},
    {Call::receive_many, "ENETUNREACH", E::network_unreachable, told_or_nothing},
    {Call::receive_many, "ENETDOWN", E::network_down, told_or_nothing},
    {Call::send_many, "CUT", none, nothing},
    {Call::send_many, "EAGAIN", E::operation_would_block, nothing},
    {Call::send_many, "EACCES", E::permission_denied, told_or_nothing},
    {Call::send_many, "EPERM", E::operation_not_permitted, told_or_nothing}, // a run is cut first
    {Call::send_many, "EMSGSIZE", E::message_size, told_or_nothing},
    {Call::send_many, "ENOBUFS", E::no_buffer_space, told_or_nothing},
    {Call::send_many, "ENOMEM", E::not_enough_memory, told_or_nothing},
    {Call::send_many, "EIO", E::io_error, told_or_nothing}, // no device for the sums of a run
    {Call::send_many, "EPIPE", E::broken_pipe, told_or_nothing},
    {Call::send_many, "ECONNREFUSED", E::connection_refused, told_or_nothing},
    {Call::send_many, "ENETDOWN", E::network_down, told_or_nothing},
    {Call::send_many, "ENETUNREACH", E::network_unreachable, told_or_nothing},
    {Call::send_many, "EHOSTUNREACH", E::host_unreachable, told_or_nothing},
    // setsockopt(2) of IP_RECVERR; a socket that is made does without it
    {Call::set_icmp_policy, "ENOPROTOOPT", E::no_protocol_option, told_or_nothing},
    {Call::set_icmp_policy, "ENOMEM", E::not_enough_memory, told_or_nothing},
    {Call::set_icmp_policy, "ENOBUFS", E::no_buffer_space, told_or_nothing}, // POSIX
    // recvmsg(2) of the error queue: what it holds stays there, and is told with the next event
    {Call::next_icmp_report, "EAGAIN", E::operation_would_block, nothing},
    {Call::next_icmp_report, "EINTR", E::interrupted, nothing},
    {Call::next_icmp_report, "ENOMEM", E::not_enough_memory, nothing},
    {Call::next_icmp_report, "ENOBUFS", E::no_buffer_space, nothing}, // POSIX
    // ip(7): IP_ADD_MEMBERSHIP and its kin
    {Call::change_membership, "ENODEV", E::no_such_device, told},
    {Call::change_membership, "EADDRINUSE", E::address_in_use, told},
    {Call::change_membership, "EADDRNOTAVAIL", E::address_not_available, told},
    {Call::change_membership, "ENOBUFS", E::no_buffer_space, told},
    {Call::change_membership, "ENOMEM", E::not_enough_memory, told},
    // shutdown(2); ENOBUFS is POSIX's
    {Call::shutdown_write, "ENOTCONN", E::not_connected, told_or_reset},
    {Call::shutdown_write, "ENOBUFS", E::no_buffer_space, told_or_reset},
    // getsockname(2), getpeername(2)
    {Call::local_endpoint, "ENOBUFS", E::no_buffer_space, told},
    {Call::peer_endpoint, "ENOBUFS", E::no_buffer_space, told},
    {Call::peer_endpoint, "ENOTCONN", E::not_connected, told},
    // setsockopt(2), getsockopt(2); the last two of the first are POSIX's
    {Call::set_option, "ENOPROTOOPT", E::no_protocol_option, told},
    {Call::set_option, "ENOMEM", E::not_enough_memory, told},
    {Call::set_option, "ENOBUFS", E::no_buffer_space, told},
    {Call::option, "ENOPROTOOPT", E::no_protocol_option, told_or_nothing}, // it has none: 0
    {Call::option, "ENOBUFS", E::no_buffer_space, told},
    {Call::set_keep_alive, "ENOPROTOOPT", E::no_protocol_option, told},
    {Call::set_keep_alive, "ENOMEM", E::not_enough_memory, told},
    {Call::set_keep_alive, "ENOBUFS", E::no_buffer_space, told},
    {Call::tcp_info, "ENOPROTOOPT", E::no_protocol_option, told},
    {Call::tcp_info, "ENOBUFS", E::no_buffer_space, told},
    // ioctl(2) of SIOCOUTQ, getsockopt(2) of TCP_INFO
    {Call::unacknowledged, "ENOPROTOOPT", E::no_protocol_option, told},
    {Call::unacknowledged, "ENOBUFS", E::no_buffer_space, told},
    {Call::unacknowledged, "ENOTCONN", E::not_connected, told},
    // getsockopt(2) of SO_ACCEPTCONN, fcntl(2); a socket of another kind is EINVAL
    {Call::adopt_listener, "EINVAL", E::invalid_argument, told},
    {Call::adopt_listener, "ENOPROTOOPT", E::no_protocol_option, told},
    {Call::adopt_listener, "ENOBUFS", E::no_buffer_space, told},
    // the same of SO_TYPE and SO_PROTOCOL, and getsockname(2)
    {Call::adopt_datagrams, "EINVAL", E::invalid_argument, told},
    {Call::adopt_datagrams, "EPROTOTYPE", E::wrong_protocol_type, told},
    {Call::adopt_datagrams, "ENOBUFS", E::no_buffer_space, told},
    // epoll_ctl(2); poll and select fail for memory or for a number that is too high
    {Call::watch_add, "ENOMEM", E::not_enough_memory, told_or_nothing},
    {Call::watch_add, "ENOSPC", E::no_space_on_device, told_or_nothing},
    {Call::watch_add, "EPERM", E::operation_not_permitted, told_or_nothing},
    {Call::watch_add, "(selector limit)", Errc::selector_limit, told_or_nothing},
    {Call::watch_modify, "ENOMEM", E::not_enough_memory, told_or_nothing},
    {Call::watch_remove, "ENOMEM", E::not_enough_memory, nothing},
    // epoll_wait(2), poll(2), select(2); EINVAL: over RLIMIT_NOFILE, which may be lowered
    {Call::wait, "CUT", none, nothing},
    {Call::wait, "ENOMEM", E::not_enough_memory, nothing},
    {Call::wait, "EINVAL", E::invalid_argument, nothing},
};

} // namespace

std::span<const Failure> failures() noexcept { return table; }

} // namespace tidemill::torture
