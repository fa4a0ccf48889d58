// Batches: the layout of the memory, and which datagrams make a run.
//
// The messages of a ReceiveBatch do not begin at multiples of a large power of two: their first
// lines would all fall into the same few sets of the processor's caches.

#include <tidemill/net/datagram_batch.hpp>
#include <tidemill/net/send_batch.hpp>

namespace tidemill {

namespace {

constexpr std::size_t cache_line_bytes = 64;
/// What a kernel cuts apart in one call, at the least.
constexpr std::uint32_t most_datagrams_per_run = 64;
/// The largest payload of UDP over IPv4; one over IPv6 holds more.
constexpr std::size_t most_bytes_per_run = 65'507;

} // namespace

ReceiveBatch::ReceiveBatch(std::size_t messages, std::size_t message_bytes)
    : messages_(messages), message_bytes_(message_bytes) {
    TIDEMILL_REQUIRE(messages >= 1 && messages <= most_messages,
                     "a batch to receive has 1 to 64 messages");
    TIDEMILL_REQUIRE(message_bytes >= 1 && message_bytes <= whole_bytes,
                     "a message of a batch has 1 byte to 64 KiB");
    const std::size_t stride =
        (message_bytes + cache_line_bytes - 1) / cache_line_bytes * cache_line_bytes +
        cache_line_bytes;
    memory_ = std::make_unique_for_overwrite<std::byte[]>(messages * stride);
    for (std::size_t i = 0; i < messages; ++i)
        messages_[i].memory = {memory_.get() + i * stride, message_bytes};
}

void ReceiveBatch::set_filled(std::size_t count, const IpAddress* own_address) noexcept {
    filled_ = count;
    size_ = size_bytes_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
        detail::IncomingDatagram& message = messages_[i];
        const std::size_t segment = message.segment_bytes;
        if (segment == 0 || segment >= message.bytes) {
            message.segment_bytes = std::max<std::size_t>(message.bytes, 1);
            ++size_;
        } else {
            size_ += (message.bytes + segment - 1) / segment;
        }
        size_bytes_ += message.bytes;
        if (own_address != nullptr) message.own_address = *own_address;
    }
}

// An empty datagram cannot be told from the end of a run, and a short one ends it.
bool SendBatch::goes_on(const Run& run, std::size_t bytes, const Endpoint* to) noexcept {
    return bytes != 0 && bytes <= run.segment_bytes && run.datagrams < most_datagrams_per_run &&
           run.bytes == run.datagrams * run.segment_bytes && bytes <= most_bytes_per_run &&
           run.bytes + bytes <= most_bytes_per_run && run.has_destination == (to != nullptr) &&
           (to == nullptr || run.to == *to);
}

void SendBatch::begin_run(std::span<const std::byte> bytes, std::size_t datagrams,
                          std::size_t segment_bytes, const Endpoint* to) {
    const auto piece = static_cast<std::uint32_t>(pieces_.size());
    pieces_.push_back(bytes);
    const auto size = static_cast<std::uint32_t>(std::min(bytes.size(), most_bytes_per_run + 1));
    try {
        runs_.push_back({to != nullptr ? *to : Endpoint(), to != nullptr, piece, 1,
                         static_cast<std::uint32_t>(datagrams), size,
                         static_cast<std::uint32_t>(std::min<std::size_t>(segment_bytes, size))});
    } catch (...) {
        pieces_.pop_back();
        throw;
    }
    size_ += datagrams;
    size_bytes_ += bytes.size();
}

bool SendBatch::add(std::span<const std::byte> bytes, const Endpoint* to) {
    if (is_full()) return false;
    if (runs_.empty() || !goes_on(runs_.back(), bytes.size(), to)) {
        begin_run(bytes, 1, bytes.size(), to);
        return true;
    }
    Run& run = runs_.back();
    std::span<const std::byte>& last = pieces_.back();
    if (last.data() + last.size() == bytes.data()) {
        last = {last.data(), last.size() + bytes.size()};
    } else {
        pieces_.push_back(bytes);
        ++run.pieces;
    }
    ++run.datagrams;
    run.bytes += static_cast<std::uint32_t>(bytes.size());
    ++size_;
    size_bytes_ += bytes.size();
    return true;
}

bool SendBatch::add(const DatagramRun& run, const Endpoint& to) {
    const std::size_t count = run.size();
    if (size_ + count > limit_) return false;
    if (count == 1) return add(run.bytes(), &to);
    const std::span<const std::byte> bytes = run.bytes();
    if (count <= most_datagrams_per_run && bytes.size() <= most_bytes_per_run) {
        begin_run(bytes, count, run.segment_bytes(), &to);
        return true;
    }
    for (std::size_t at = 0; at < bytes.size(); at += run.segment_bytes())
        if (!add(bytes.subspan(at, std::min(run.segment_bytes(), bytes.size() - at)), &to))
            return false;
    return true;
}

} // namespace tidemill
