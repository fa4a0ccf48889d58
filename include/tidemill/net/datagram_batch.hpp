// ReceiveBatch: many datagrams by one system call, in memory whose size is fixed beforehand.
//
// A batch belongs to its user and to no socket or loop; the same one serves call after call. What
// the kernel has put together (GRO) is taken apart by the iterator, or handed on whole, as a run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <tidemill/net/datagram.hpp>
#include <vector>

namespace tidemill {

class UdpSocket;

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

/// Datagrams of one sender that the kernel has put together, or a single one: as it came. Valid as
/// long as a DatagramView is.
class DatagramRun {
public:
    explicit DatagramRun(const detail::IncomingDatagram& message) noexcept : message_(&message) {}

    [[nodiscard]] const DatagramHeader& header() const noexcept { return *message_; }
    [[nodiscard]] const Endpoint& sender() const noexcept { return message_->sender; }
    /// All of them, one behind the other.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return message_->memory.first(message_->bytes);
    }
    /// The size of each but the last, which may be shorter; at least 1.
    [[nodiscard]] std::size_t segment_bytes() const noexcept { return message_->segment_bytes; }
    /// How many there are.
    [[nodiscard]] std::size_t size() const noexcept {
        const std::size_t each = message_->segment_bytes;
        return message_->bytes <= each ? 1 : (message_->bytes + each - 1) / each;
    }

private:
    const detail::IncomingDatagram* message_;
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
    /// By index, below run_count(): the same datagrams, for who hands them on as they came.
    [[nodiscard]] DatagramRun run(std::size_t index) const noexcept {
        return DatagramRun(messages_[index]);
    }
    [[nodiscard]] std::size_t run_count() const noexcept { return filled_; }
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

} // namespace tidemill
