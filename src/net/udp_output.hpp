// What UdpSocket::send_many() has taken: the batches of all tasks, sent together at the turn's end.
#pragma once

#include "core/gathering.hpp"
#include "core/sockets.hpp"
#include <array>
#include <tidemill/net/udp_socket.hpp>

namespace tidemill::detail {

/// A queue of send operations, in the order of the calls. It finishes them through the loop's ready
/// list and resumes nobody itself.
class UdpOutput final : public Gathering {
public:
    UdpOutput(UdpSocket& socket, bool cuts_output) noexcept
        : socket_(socket), cuts_output_(cuts_output) {}

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    /// The operation is to be parked next.
    void add(UdpSendManyOperation& operation) noexcept;
    void remove(UdpSendManyOperation& operation) noexcept;
    void cancel_all() noexcept;
    void forget_all() noexcept;
    /// Sends as much as one turn may, and asks to be called again for the rest.
    void send_some() noexcept;
    void flush() noexcept override { send_some(); }

private:
    using Place = UdpSendManyOperation::Place;
    static constexpr std::size_t most_messages_per_call = 64;
    /// One call of the system: its messages, and where each leaves its batch.
    struct Call {
        std::size_t count = 0;
        std::array<OutgoingDatagram, most_messages_per_call> messages;
        std::array<Buffer, most_messages_per_call> singles; ///< pieces of those that are no runs
        std::array<UdpSendManyOperation*, most_messages_per_call> operations;
        std::array<Place, most_messages_per_call> behind;
    };

    [[nodiscard]] bool send_call() noexcept;
    void describe(Call& call) noexcept;
    [[nodiscard]] bool describe_next(Call& call, UdpSendManyOperation& operation,
                                     Place& place) noexcept;
    void sent(const Call& call, std::size_t count) noexcept;
    void refused(const Call& call, std::size_t index, PackedError error) noexcept;
    void finish_complete() noexcept;
    void fail_all(PackedError error) noexcept;

    UdpSocket& socket_;
    Call call_{}; ///< kept, because clearing it for each call would show
    UdpSendManyOperation* first_ = nullptr;
    UdpSendManyOperation* last_ = nullptr;
    bool cuts_output_;
};

} // namespace tidemill::detail
