// Batches of datagrams: many for one system call, in memory whose size is fixed beforehand.
//
// A batch belongs to its user and to no socket or loop; the same one serves call after call. What
// the kernel has put together (GRO) is taken apart by the iterator, and what it can cut apart
// itself (GSO) is put together by add(), so that a run of datagrams costs as much as one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <tidemill/net/bytes.hpp>
#include <tidemill/net/datagram.hpp>
#include <vector>

namespace tidemill {

class UdpSocket;
class UdpSendManyOperation;

namespace detail {
class UdpOutput;
}

/// One datagram of a ReceiveBatch. Valid until the batch is received into again, or destroyed.
class DatagramView {
public:
    DatagramView(const DatagramHeader& header, std::span<const std::byte> payload) noexcept
        : header_(&header), payload_(payload) {}

    [[nodiscard]] std::span<const std::byte> payload() const noexcept { return payload_; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(payload_.data()), payload_.size()};
    }
    [[nodiscard]] const DatagramHeader& header() const noexcept { return *header_; }
    [[nodiscard]] const Endpoint& sender() const noexcept { return header_->sender; }
    [[nodiscard]] bool is_truncated() const noexcept { return header_->is_truncated; }

private:
    const DatagramHeader* header_;
    std::span<const std::byte> payload_;
};

/// Room for datagrams that come together; a range of DatagramView in the order of arrival.
///
/// Memory: messages x bytes of each, taken once, 4 MiB by default, of which the system provides
/// only the pages that datagrams have touched. A message is a datagram, or what the kernel has put
/// together of up to 64 KiB; that needs messages of `whole_bytes`, so smaller ones do without.
class ReceiveBatch {
public:
    /// Every datagram fits into a message of this size.
    static constexpr std::size_t whole_bytes = std::size_t{64} << 10;
    static constexpr std::size_t most_messages = 64;

    /// `messages` is 1 to `most_messages`, `message_bytes` 1 to `whole_bytes`; what is longer than
    /// that is cut and `is_truncated`. Throws std::bad_alloc.
    explicit ReceiveBatch(std::size_t messages = most_messages,
                          std::size_t message_bytes = whole_bytes);

    ReceiveBatch(const ReceiveBatch&) = delete;
    ReceiveBatch& operator=(const ReceiveBatch&) = delete;

    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = DatagramView;
        using difference_type = std::ptrdiff_t;
        using pointer = const DatagramView*;
        using reference = DatagramView;

        Iterator() noexcept = default;
        [[nodiscard]] DatagramView operator*() const noexcept {
            const std::size_t size = std::min(message_->segment_bytes, message_->bytes - offset_);
            return {*message_, message_->memory.subspan(offset_, size)};
        }
        Iterator& operator++() noexcept {
            offset_ += message_->segment_bytes;
            if (offset_ >= message_->bytes) {
                ++message_;
                offset_ = 0;
            }
            return *this;
        }
        Iterator operator++(int) noexcept {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

    private:
        friend ReceiveBatch;
        explicit Iterator(const detail::IncomingDatagram* message) noexcept : message_(message) {}
        const detail::IncomingDatagram* message_ = nullptr;
        std::size_t offset_ = 0;
    };

    [[nodiscard]] Iterator begin() const noexcept { return Iterator(messages_.data()); }
    [[nodiscard]] Iterator end() const noexcept { return Iterator(messages_.data() + filled_); }
    /// How many datagrams there are.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
    void clear() noexcept { filled_ = size_ = size_bytes_ = 0; }

private:
    friend UdpSocket;
    /// Messages that a call may fill.
    [[nodiscard]] std::span<detail::IncomingDatagram> room() noexcept { return messages_; }
    [[nodiscard]] std::size_t message_bytes() const noexcept { return message_bytes_; }
    /// The first `count` messages are filled. All were sent to `own_address`, unless it is null.
    void set_filled(std::size_t count, const IpAddress* own_address) noexcept;

    std::unique_ptr<std::byte[]> memory_;
    std::vector<detail::IncomingDatagram> messages_;
    std::size_t message_bytes_;
    std::size_t filled_ = 0; ///< messages
    std::size_t size_ = 0;   ///< datagrams
    std::size_t size_bytes_ = 0;
};

/// Datagrams to be sent together, in the order in which they were added.
///
/// The bytes are borrowed until they have been sent, or cleared. Memory: about 100 bytes for each
/// datagram that does not continue a run; a run is up to 64 of equal size to one peer.
class SendBatch {
public:
    static constexpr std::size_t default_limit = 16'384;

    explicit SendBatch(std::size_t most_datagrams = default_limit) noexcept
        : limit_(most_datagrams) {}

    /// False if the batch is full; it has then not been added. Throws std::bad_alloc.
    [[nodiscard]] bool add(Bytes bytes, const Endpoint& to) { return add(bytes.span(), &to); }
    /// To the connected peer.
    [[nodiscard]] bool add(Bytes bytes) { return add(bytes.span(), nullptr); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool is_full() const noexcept { return size_ >= limit_; }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
    void clear() noexcept {
        runs_.clear();
        pieces_.clear();
        size_ = size_bytes_ = 0;
    }

private:
    friend UdpSocket;
    friend UdpSendManyOperation;
    friend detail::UdpOutput;
    struct Run {
        Endpoint to;
        bool has_destination;
        std::uint32_t first_piece;
        std::uint32_t pieces;
        std::uint32_t datagrams;
        std::uint32_t bytes;
        std::uint32_t segment_bytes; ///< of each datagram but the last, which may be shorter
    };

    bool add(std::span<const std::byte> bytes, const Endpoint* to);
    [[nodiscard]] static bool goes_on(const Run& run, std::size_t bytes,
                                      const Endpoint* to) noexcept;

    std::vector<Run> runs_;
    std::vector<std::span<const std::byte>> pieces_;
    std::size_t limit_;
    std::size_t size_ = 0;
    std::size_t size_bytes_ = 0;
};

/// What became of a batch: `sent` + `failed` is its size.
struct [[nodiscard]] SendOutcome {
    std::size_t sent = 0;
    std::size_t failed = 0;       ///< each for itself: the others have been sent all the same
    std::size_t first_failed = 0; ///< its index in the batch, if there is one
    std::error_code error;        ///< why that one failed

    /// All of it was sent.
    explicit operator bool() const noexcept { return failed == 0; }
};

} // namespace tidemill
