// Which call of the seams is to fail, and how: counted by its kind, so that "the second send_now"
// is the same call in each run of a scenario, whatever other calls come between.
//
// The plan counts while it is active. Calls on exempt sockets are nobody's: they are neither
// counted nor failed, so a bystander may share the loop with a scenario.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <tidemill/core/native.hpp>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::support {

enum class Call : std::uint8_t {
    open,
    bind,
    listen,
    accept,
    connect,
    connect_result,
    receive,
    receive_now,
    send,
    send_now,
    send_gathered,
    receive_from,
    send_to,
    receive_many,
    send_many,
    set_icmp_policy,
    next_icmp_report,
    change_membership,
    shutdown_write,
    local_endpoint,
    peer_endpoint,
    set_option,
    option,
    set_keep_alive,
    tcp_info,
    unacknowledged,
    adopt_listener,
    adopt_datagrams,
    watch_add,
    watch_modify,
    watch_remove,
    wait,
    count_,
};
inline constexpr std::size_t call_kinds = static_cast<std::size_t>(Call::count_);

[[nodiscard]] constexpr std::string_view name_of(Call call) noexcept {
    constexpr std::array<std::string_view, call_kinds> names = {
        "open",
        "bind",
        "listen",
        "accept",
        "connect",
        "connect_result",
        "receive",
        "receive_now",
        "send",
        "send_now",
        "send_gathered",
        "receive_from",
        "send_to",
        "receive_many",
        "send_many",
        "set_icmp_policy",
        "next_icmp_report",
        "change_membership",
        "shutdown_write",
        "local_endpoint",
        "peer_endpoint",
        "set_option",
        "option",
        "set_keep_alive",
        "tcp_info",
        "unacknowledged",
        "adopt_listener",
        "adopt_datagrams",
        "watch_add",
        "watch_modify",
        "watch_remove",
        "wait",
    };
    return names[static_cast<std::size_t>(call)];
}

/// The `ordinal`-th call of a kind, from 1, does not do what it was asked to.
struct Fault {
    Call call = Call::open;
    unsigned ordinal = 0;
    /// None: the call is cut short. A transfer moves one byte, a batch one message; a wait returns
    /// with no event.
    detail::PackedError error;
};

class FaultPlan {
public:
    using Counts = std::array<unsigned, call_kinds>;

    /// From here on calls are counted, and `fault` happens; one of ordinal 0 never does.
    void start(const Fault& fault) noexcept {
        fault_ = fault;
        counts_.fill(0);
        is_active_ = true;
        has_struck_ = false;
    }
    void stop() noexcept { is_active_ = false; }
    void exempt(NativeSocket socket) { exempt_.insert(socket); }
    /// Its number may be another socket's from here on.
    void forget(NativeSocket socket) noexcept { exempt_.erase(socket); }

    /// For the decorators: counts a call, and tells whether it is the one.
    [[nodiscard]] bool strikes(Call call, NativeSocket socket) noexcept {
        if (!is_active_ || exempt_.count(socket) > 0) return false;
        const unsigned ordinal = ++counts_[static_cast<std::size_t>(call)];
        if (call != fault_.call || ordinal != fault_.ordinal) return false;
        has_struck_ = true;
        return true;
    }
    [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
    [[nodiscard]] bool cuts() const noexcept { return !fault_.error; }
    [[nodiscard]] bool has_struck() const noexcept { return has_struck_; }
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

private:
    Fault fault_;
    Counts counts_{};
    std::set<NativeSocket> exempt_;
    bool is_active_ = false;
    bool has_struck_ = false;
};

} // namespace tidemill::support
