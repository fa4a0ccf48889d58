// SendBatch: many datagrams for one system call.
//
// A batch belongs to its user and to no socket or loop. Neighbours of equal size to one peer become
// a run, which a kernel that can (GSO) cuts apart itself, so that it costs as much as one datagram.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <tidemill/net/bytes.hpp>
#include <tidemill/net/datagram_batch.hpp>
#include <vector>

namespace tidemill {

class UdpSocket;
class UdpSendManyOperation;

namespace detail {
class UdpOutput;
}

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

    /// A run as it came; all of it or nothing.
    [[nodiscard]] bool add(const DatagramRun& run, const Endpoint& to);

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
    void begin_run(std::span<const std::byte> bytes, std::size_t datagrams,
                   std::size_t segment_bytes, const Endpoint* to);
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
