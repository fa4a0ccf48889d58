// recvmmsg, sendmmsg, and runs of datagrams that the kernel cuts apart (UDP_SEGMENT).
//
// All that the kernel wants described lies on the stack and is filled in for each call; of the
// addresses of a run of messages to one peer only the first is made.

#include "posix/linux_datagrams.hpp"
#include "posix/control_messages.hpp"
#include "posix/posix_error.hpp"
#include <algorithm>
#include <array>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/native_address.hpp" // behind the system's headers

namespace tidemill::detail {
namespace {

constexpr std::size_t most_messages = 64;
constexpr std::size_t most_pieces = 256; ///< of all messages of a call
constexpr std::size_t told_bytes = 96;   ///< address, mark and size of segments
constexpr std::size_t segment_control_bytes = CMSG_SPACE(sizeof(std::uint16_t));

union Address {
    sockaddr_in v4;
    sockaddr_in6 v6;
};

bool knows(int socket, int option) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, IPPROTO_UDP, option, &value, &size) == 0;
}

DatagramFeatures ask_kernel() noexcept {
    DatagramFeatures features;
    features.many_per_call = true;
    features.has_error_queue = true;
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket == -1) return features;
    features.cuts_output = knows(socket, UDP_SEGMENT);
    features.gathers_input = knows(socket, UDP_GRO);
    ::close(socket);
    return features;
}

class Reception {
public:
    explicit Reception(std::span<IncomingDatagram> into) noexcept
        : into_(into.first(std::min(into.size(), most_messages))) {
        for (std::size_t i = 0; i < into_.size(); ++i) {
            vectors_[i] = {into_[i].memory.data(), into_[i].memory.size()};
            headers_[i].msg_hdr = {&senders_[i],  sizeof senders_[i], &vectors_[i],   1,
                                   &controls_[i], told_bytes,         /*msg_flags*/ 0};
        }
    }
    ManyResult run(int socket) noexcept {
        const int count = retried([&] {
            return ::recvmmsg(socket, headers_.data(), static_cast<unsigned>(into_.size()), 0,
                              nullptr);
        });
        if (count < 0) return {0, posix_error(errno)};
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) take(i);
        return {static_cast<std::size_t>(count), {}};
    }

private:
    void take(std::size_t i) noexcept {
        const msghdr& header = headers_[i].msg_hdr;
        DatagramResult told;
        if (header.msg_controllen > 0)
            read_control({controls_[i].bytes.data(), header.msg_controllen}, told);
        IncomingDatagram& datagram = into_[i];
        datagram.sender = from_native(&senders_[i], header.msg_namelen);
        datagram.own_address = told.own_address;
        datagram.interface_index = told.interface_index;
        datagram.ecn = told.ecn;
        datagram.is_truncated = (header.msg_flags & MSG_TRUNC) != 0;
        datagram.bytes = headers_[i].msg_len;
        datagram.segment_bytes = told.segment_bytes;
    }

    struct Control {
        alignas(cmsghdr) std::array<std::byte, told_bytes> bytes;
    };
    // Not initialised beyond what a call uses.
    std::span<IncomingDatagram> into_;
    std::array<mmsghdr, most_messages> headers_;
    std::array<iovec, most_messages> vectors_;
    std::array<Address, most_messages> senders_;
    std::array<Control, most_messages> controls_;
};

class Dispatch {
public:
    explicit Dispatch(std::span<const OutgoingDatagram> messages) noexcept {
        for (const OutgoingDatagram& message : messages) {
            if (count_ == most_messages || pieces_ + message.pieces.size() > most_pieces) break;
            add(message);
        }
    }
    ManyResult run(int socket) noexcept {
        const int count = retried([&] {
            return ::sendmmsg(socket, headers_.data(), static_cast<unsigned>(count_), MSG_NOSIGNAL);
        });
        if (count < 0) return {0, posix_error(errno)};
        return {static_cast<std::size_t>(count), {}};
    }

private:
    void add(const OutgoingDatagram& message) noexcept {
        msghdr& header = headers_[count_].msg_hdr;
        header = {};
        header.msg_iov = &vectors_[pieces_];
        header.msg_iovlen = message.pieces.size();
        for (const Buffer& piece : message.pieces)
            vectors_[pieces_++] = {const_cast<std::byte*>(piece.data()), piece.size()};
        if (message.to != nullptr) {
            if (last_to_ == nullptr || *last_to_ != *message.to) make_address(*message.to);
            last_to_ = message.to;
            header.msg_name = last_address_;
            header.msg_namelen = last_size_;
        }
        if (message.segment_bytes != 0)
            ask_for_segments(header, static_cast<std::uint16_t>(message.segment_bytes));
        ++count_;
    }

    void make_address(const Endpoint& to) noexcept {
        const NativeAddress address = to_native(to);
        last_address_ = &addresses_[count_];
        last_size_ = address.size;
        std::memcpy(last_address_, &address.storage, address.size);
    }

    void ask_for_segments(msghdr& header, std::uint16_t bytes) noexcept {
        header.msg_control = &controls_[count_];
        header.msg_controllen = segment_control_bytes;
        cmsghdr* const control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof bytes);
        std::memcpy(CMSG_DATA(control), &bytes, sizeof bytes);
    }

    struct Control {
        alignas(cmsghdr) std::array<std::byte, segment_control_bytes> bytes;
    };
    std::size_t count_ = 0;
    std::size_t pieces_ = 0;
    const Endpoint* last_to_ = nullptr;
    Address* last_address_ = nullptr;
    socklen_t last_size_ = 0;
    // Not initialised beyond what a call uses.
    std::array<mmsghdr, most_messages> headers_;
    std::array<iovec, most_pieces> vectors_;
    std::array<Address, most_messages> addresses_;
    std::array<Control, most_messages> controls_;
};

} // namespace

DatagramFeatures linux_datagram_features() noexcept {
    static const DatagramFeatures features = ask_kernel();
    return features;
}

ManyResult receive_datagrams(int socket, std::span<IncomingDatagram> into) noexcept {
    return Reception(into).run(socket);
}

ManyResult send_datagrams(int socket, std::span<const OutgoingDatagram> messages) noexcept {
    return Dispatch(messages).run(socket);
}

} // namespace tidemill::detail
