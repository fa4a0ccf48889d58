// Received bytes, leased from the loop's pool for as long as somebody holds the chunk.
//
// A chunk pins whole 4 KiB pages, never the buffer around them, and only those that hold its
// bytes. What `remove_prefix` and `truncate` cut off stays leased, and therefore readable, until
// the chunk goes: a view taken before the cut stays valid. Who holds few bytes for long calls
// `keep()`, which moves them to a block of their exact size and returns the pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tidemill/core/require.hpp>
#include <utility>

namespace tidemill {

namespace detail {
class ChunkPool;
}

/// How much memory received bytes may take. Rounded down to pages, but one page at least.
///
/// Over a budget, a stream that holds chunks is not read; one that holds none always gets a page.
/// So nothing can deadlock, and the worst case is `loop_bytes` plus 4 KiB for each stream.
struct ChunkLimits {
    std::size_t loop_bytes = std::size_t{64} << 20;
    std::size_t stream_bytes = std::size_t{1} << 20;
    /// At most one page less than 512 KiB takes effect: a buffer's first page is book-keeping.
    std::size_t largest_receive_bytes = std::size_t{512} << 10;
};

/// A lease on bytes that were received; empty by default, which is how a stream's end reads.
/// Converts to std::span<const std::byte> by being a range.
///
/// Lifetime: the bytes stay where they are until the chunk is destroyed, assigned to or kept; it
/// may outlive its stream and its loop. Thread: a leased chunk is released on the thread of its
/// loop (checked); a kept one or a copy may go anywhere.
class [[nodiscard]] Chunk {
public:
    Chunk() = default;
    Chunk(Chunk&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          origin_(std::exchange(other.origin_, 0)) {}
    Chunk& operator=(Chunk&& other) noexcept {
        Chunk taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~Chunk() {
        if (data_ != nullptr) release();
    }

    /// A chunk of its own memory, tied to no loop. Less than 2 GiB; throws std::bad_alloc.
    static Chunk copy_of(std::span<const std::byte> bytes);

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
    [[nodiscard]] const std::byte* end() const noexcept { return data_ + size_; }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(data_), size_};
    }

    /// Drops the first `count_bytes` bytes from view.
    void remove_prefix(std::size_t count_bytes) noexcept {
        TIDEMILL_REQUIRE(count_bytes <= size_, "a chunk cannot lose more bytes than it has");
        data_ += count_bytes;
        const auto count = static_cast<std::uint32_t>(count_bytes);
        size_ -= count;
        origin_ += count;
    }
    /// Leaves only the first `size_bytes` bytes in view.
    void truncate(std::size_t size_bytes) noexcept {
        TIDEMILL_REQUIRE(size_bytes <= size_, "truncating cannot make a chunk longer");
        size_ = static_cast<std::uint32_t>(size_bytes);
    }

    /// Moves the bytes to memory of exactly their size and returns the lease; does nothing to a
    /// chunk that is kept already. Views of the bytes become invalid. Throws std::bad_alloc, and
    /// then nothing has changed.
    void keep();
    /// Whether the bytes have left the loop's pool, so that the chunk may cross threads.
    [[nodiscard]] bool kept() const noexcept { return data_ == nullptr || (origin_ & own_block); }

    void swap(Chunk& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(origin_, other.origin_);
    }

private:
    friend class detail::ChunkPool;
    static constexpr std::uint32_t own_block = std::uint32_t{1} << 31;

    Chunk(std::byte* data, std::size_t size_bytes, std::uint32_t origin) noexcept
        : data_(data), size_(static_cast<std::uint32_t>(size_bytes)), origin_(origin) {}
    void release() noexcept;

    std::byte* data_ = nullptr;
    std::uint32_t size_ = 0;
    /// How far `data_` has moved from the start of the lease or block; the top bit tells which.
    std::uint32_t origin_ = 0;
};

} // namespace tidemill
