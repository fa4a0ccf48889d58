// What can be chosen about a UDP socket, and what is counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tidemill/net/icmp.hpp>
#include <utility>

namespace tidemill {

struct UdpOptions {
    bool reuse_address = false;   ///< on most systems lets other sockets share the port
    bool reuse_port = false;      ///< several sockets on one port, balanced by the kernel
    bool broadcast = false;       ///< allows sending to broadcast addresses
    bool dual_stack = true;       ///< a socket on [::] serves IPv4 as well
    int receive_buffer_bytes = 0; ///< 0: the system's choice
    int send_buffer_bytes = 0;    ///< 0: the system's choice
    /// Own address, interface and mark of each datagram (DatagramHeader), where the system tells;
    /// costs some 3 % of a small datagram.
    bool details = true;
    /// Without a value: `report` for a connected socket, `ignore` for others.
    std::optional<IcmpPolicy> icmp;

    // What makes batches cheap, each used where the kernel has it. Results are the same without.

    bool many_per_call = true; ///< recvmmsg, sendmmsg
    bool cuts_output = true;   ///< GSO: runs of a SendBatch are cut apart by the kernel
    bool gathers_input = true; ///< GRO: a message of a ReceiveBatch may hold a run; from the first
                               ///< receive_many() on
};

/// Where and from whom a multicast group is heard.
struct GroupChoice {
    std::uint32_t interface_index = 0; ///< 0: the system's choice
    std::optional<IpAddress> source;   ///< without: whoever sends to the group
};

/// What a socket has met so far.
struct UdpCounters {
    std::uint64_t icmp_reported = 0;   ///< handed out as the error of a receive
    std::uint64_t icmp_ignored = 0;    ///< told by the system and passed over, by policy
    std::uint64_t icmp_unreported = 0; ///< came while too many waited to be handed out
    std::uint64_t retried_sends = 0;   ///< failed by the news of an earlier datagram, went then
    std::uint64_t uncut_runs = 0;      ///< the system would not cut them: sent one by one
};

namespace detail {

/// Reports that wait for a receive, oldest first.
class IcmpReports {
public:
    static constexpr std::size_t limit = 16;

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] bool is_full() const noexcept { return count_ == limit; }
    void push(const IcmpReport& report) noexcept { reports_[(first_ + count_++) % limit] = report; }
    [[nodiscard]] IcmpReport pop() noexcept {
        --count_;
        return reports_[std::exchange(first_, (first_ + 1) % limit)];
    }
    void clear() noexcept { count_ = 0; }

private:
    std::array<IcmpReport, limit> reports_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

} // namespace detail
} // namespace tidemill
