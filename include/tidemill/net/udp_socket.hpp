// UdpSocket: datagrams, with or without a fixed peer.
//
// What one datagram does never ends the socket: an error that the network reported for an earlier
// one (a refused port, an unreachable host) is the result of one call, and the next call goes on.
// A service must not answer its own endpoint, or a forged sender makes it talk to itself for ever;
// nor, before it knows a peer, send it more than came. Both are the application's duty.
#pragma once

#include <memory>
#include <span>
#include <tidemill/core/lease_account.hpp>
#include <tidemill/core/native.hpp>
#include <tidemill/core/source.hpp>
#include <tidemill/net/bytes.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/udp_operations.hpp>
#include <tidemill/net/udp_options.hpp>

namespace tidemill {

class EventLoop;

namespace detail {
struct OpenedDatagrams;
}

/// Does not move: hold it where it stays. Thread: the loop's own.
class UdpSocket final : private detail::Source {
public:
    /// A socket that hears everybody on `local`; port 0 lets the system choose (see endpoint()).
    /// Errors: `std::errc::address_in_use`, `address_not_available`, `permission_denied`,
    /// `too_many_files_open`, each naming the endpoint.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>>
    bind(EventLoop& loop, const Endpoint& local, const UdpOptions& options = {});
    /// A socket that hears `peer` only and is told when the peer's system refuses its datagrams.
    /// Errors: as bind(), and `std::errc::network_unreachable`.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>>
    connect(EventLoop& loop, const Endpoint& peer, const UdpOptions& options = {});
    /// Takes over a bound UDP socket that somebody else has made: a service manager, or other code.
    /// It belongs to the UdpSocket from then on, unless this fails; a fixed peer stays. Of
    /// `options` those that come before binding (reuse_address, reuse_port, dual_stack) do not
    /// count. Errors: `std::errc::invalid_argument` (not bound), `wrong_protocol_type` (not UDP),
    /// `address_family_not_supported`, `not_a_socket`, `bad_file_descriptor`.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>>
    adopt(EventLoop& loop, NativeSocket socket, const UdpOptions& options = {});
    /// Whoever waits ends as `cancelled`.
    ~UdpSocket();

    /// Waits for a datagram and leases its bytes; an empty one is data like any other.
    /// Datagrams of every size fit, with one exception: a socket that holds no chunk while its loop
    /// has used up its budget gets what is left, at least 4 KiB, and longer datagrams come with
    /// `is_truncated`. A socket that does hold chunks then waits until some come back.
    ///
    /// Errors: `Errc::deadline_expired`, `Errc::cancelled`, `Errc::closed_locally`; under
    /// IcmpPolicy::report, for one call each, `std::errc::connection_refused`, `host_unreachable`
    /// and their kin: an earlier datagram of ours did not arrive (last_icmp_report() tells more).
    /// Lifetime: the awaitable lives in the caller's frame; destroying it ends the wait and loses
    /// no datagram. At most one receive of any kind at a time (checked).
    UdpReceiveOperation receive(Deadline deadline = {}) noexcept { return {*this, deadline}; }

    /// As receive(), into the caller's memory, which is borrowed until the operation ends and must
    /// not be empty; what does not fit is lost, and `is_truncated` says so.
    UdpReceiveIntoOperation receive(std::span<std::byte> into, Deadline deadline = {}) noexcept {
        return {*this, into, deadline};
    }

    /// Waits for datagrams and fills `batch` with those that are there, in order of arrival, at
    /// least one; gives their number. The batch is borrowed until the operation ends; what it held
    /// before is gone at once. Errors, lifetime: as above.
    UdpReceiveManyOperation receive_many(ReceiveBatch& batch, Deadline deadline = {}) noexcept {
        return {*this, batch, deadline};
    }

    /// Hands one datagram to the system, at once unless the send buffer is full. That says nothing
    /// about its arrival. `bytes` are borrowed until the operation ends.
    /// Errors: `std::errc::message_size` (over 65,507 bytes in IPv4), `network_unreachable` and
    /// others of the system, `already_connected` for a connected socket; `Errc::deadline_expired`,
    /// `Errc::cancelled`, `Errc::closed_locally`. The socket goes on after each but the last. At
    /// most one send at a time (checked).
    UdpSendOperation send(Bytes bytes, const Endpoint& to, Deadline deadline = {}) noexcept {
        return {*this, bytes.span(), to, deadline};
    }
    /// To the connected peer. Errors: as above, and `std::errc::not_connected` without a peer. That
    /// an earlier datagram was refused is news for receive() and never fails a send.
    UdpSendOperation send(Bytes bytes, Deadline deadline = {}) noexcept {
        return {*this, bytes.span(), deadline};
    }
    /// Sends a batch at the end of this turn of the loop, together with those of other tasks, and
    /// resumes behind that. What the system refuses is skipped and the rest still sent; the outcome
    /// tells how many, and the first of them. A deadline or cancellation fails what is left.
    /// Batch and bytes are borrowed, and stay as they are, until the operation ends. Batches are
    /// sent in the order of the calls; send() does not wait for them. Any number at a time.
    UdpSendManyOperation send_many(const SendBatch& batch, Deadline deadline = {}) noexcept {
        return {*this, batch, deadline};
    }

    void close() noexcept;
    /// Ends what waits as `cancelled`.
    void cancel() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return socket_ != invalid_socket; }
    /// Where it is bound, with the port that the system chose.
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// For options that this class does not know; do not read, write, close or re-register it.
    [[nodiscard]] NativeSocket native_handle() const noexcept { return socket_; }

    // Multicast. Errors: `std::errc::invalid_argument` for what is no group, `no_such_device`,
    // `address_not_available` and others of the system, naming the group.

    Result<void> join_group(const IpAddress& group, const GroupChoice& choice = {});
    Result<void> leave_group(const IpAddress& group, const GroupChoice& choice = {});
    /// By which interface datagrams to groups leave; 0: the system's choice.
    Result<void> set_multicast_interface(std::uint32_t index);
    /// Whether this machine hears its own datagrams to groups; it does, unless told.
    Result<void> set_multicast_loop(bool is_heard);
    /// How far they go: 1 (so it is, unless told) stays on the link; at most 255.
    Result<void> set_multicast_hops(int hops);

    /// Errors: those of the system; the policy is then what it was.
    Result<void> set_icmp_policy(IcmpPolicy policy);
    [[nodiscard]] IcmpPolicy icmp_policy() const noexcept { return icmp_policy_; }
    /// About the datagram whose refusal was the error of a receive, the last time.
    [[nodiscard]] const IcmpReport& last_icmp_report() const noexcept { return last_report_; }
    [[nodiscard]] const UdpCounters& counters() const noexcept { return counters_; }

private:
    friend detail::UdpReceiveRequest;
    friend detail::UdpOutput;
    friend UdpReceiveOperation;
    friend UdpReceiveIntoOperation;
    friend UdpReceiveManyOperation;
    friend UdpSendOperation;
    friend UdpSendManyOperation;
    friend class PoolUdp;
    struct Rest;
    UdpSocket(detail::LoopCore& loop, const detail::OpenedDatagrams& opened, bool is_connected,
              const UdpOptions& options);
    static Result<std::unique_ptr<UdpSocket>> make(EventLoop& loop, const Endpoint& to,
                                                   const UdpOptions& options, bool is_connected);

    bool start_receive(detail::UdpReceiveRequest& request, detail::PromiseBase& waiter) noexcept;
    bool start_send(UdpSendOperation& request, detail::PromiseBase& waiter) noexcept;
    Result<void> change_group(bool is_joined, const IpAddress& group, const GroupChoice& choice);
    Result<void> set_multicast_option(unsigned option, int value);
    [[nodiscard]] bool receive(detail::UdpReceiveRequest& request, bool is_announced) noexcept;
    [[nodiscard]] detail::PackedError receive_lease(Datagram& into) noexcept;
    [[nodiscard]] detail::PackedError receive_into(std::span<std::byte> into, std::size_t& bytes,
                                                   DatagramHeader& header) noexcept;
    [[nodiscard]] detail::PackedError receive_batch(ReceiveBatch& batch) noexcept;
    [[nodiscard]] detail::PackedError receive_messages(ReceiveBatch& batch) noexcept;
    [[nodiscard]] detail::PackedError split_into(ReceiveBatch& batch) noexcept;
    [[nodiscard]] detail::PackedError fetch_rest() noexcept;
    [[nodiscard]] bool has_rest() const noexcept;
    void gather_input() noexcept;
    [[nodiscard]] bool meet_icmp_error(detail::PackedError error, bool is_announced) noexcept;
    void meet_late_error(detail::PackedError error) noexcept;
    bool drain_error_queue(bool discards_rest) noexcept;
    void keep_report(const IcmpReport& report) noexcept;
    [[nodiscard]] bool is_worth_retrying(detail::PackedError error) const noexcept;
    void note_retried(detail::PackedError first) noexcept;
    [[nodiscard]] bool send(UdpSendOperation& request) noexcept;
    void expire(detail::UdpReceiveRequest& request) noexcept;
    detail::PackedError want(detail::Interest more) noexcept;
    void drop(detail::Interest less) noexcept;
    void forget_loop() noexcept;

    void on_ending(detail::Ending ending) noexcept override;
    void on_readable() noexcept override;
    void on_writable() noexcept override;
    void on_leases_returned() noexcept override;
    void on_loop_gone() noexcept override;
    void abandon(detail::Operation& operation) noexcept override;

    detail::LoopCore* loop_;
    NativeSocket socket_;
    std::uint32_t slot_ = 0;
    detail::UdpReceiveRequest* reader_ = nullptr;
    UdpSendOperation* writer_ = nullptr;
    std::unique_ptr<detail::UdpOutput> output_; ///< what send_many() has taken
    std::unique_ptr<Rest> rest_; ///< of what the kernel has put together; null: never needed
    detail::LeaseAccount leases_;
    Endpoint endpoint_;
    Endpoint peer_;                                      ///< if it is connected
    detail::Interest interest_ = detail::Interest::none; ///< what the selector knows
    bool is_connected_;
    bool uses_many_per_call_;
    bool has_error_queue_ = false; ///< and the policy is to report
    bool may_gather_input_;
    detail::PackedError late_error_;
    bool gathers_input_ = false;
    bool has_unread_ = false;   ///< the last receive found all it could take: try before waiting
    bool was_unwanted_ = false; ///< the last event met nobody who waits
    bool has_one_address_;      ///< which is then the own address of every datagram
    IcmpPolicy icmp_policy_;
    std::uint16_t asked_messages_ = 0; ///< in the last call of a batch; adapts to what comes
    detail::IcmpReports reports_;
    IcmpReport last_report_;
    UdpCounters counters_;
};

} // namespace tidemill
