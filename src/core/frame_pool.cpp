// One free list for each size class and thread, 16 bytes apart up to 2 KiB, bounded in sum. The
// classes lie 8 bytes below the multiples of 16, where common allocators waste nothing.
//
// Frames die at any time, static destruction and the end of a thread included, when a thread's
// lists may be gone. So the lists are plain memory without constructor and destructor, usable as
// long as the thread has any memory, and a separate object empties them when the thread ends. They
// start and end with room for zero bytes: the fast path needs no question about the state, since
// a list that is not open yet, or no longer, is simply full.
#include "core/frame_pool.hpp"

#include "core/poison.hpp"

#include <array>
#include <new>

namespace tidemill {
namespace {

using detail::frame_class_bytes;
using detail::largest_pooled_frame_bytes;

struct FreeFrame {
    FreeFrame* next;
};

struct FreeFrames {
    std::array<FreeFrame*, largest_pooled_frame_bytes / frame_class_bytes> first;
    std::size_t room_bytes;
    bool opened; ///< stays true when the lists are closed for ever
};

constinit thread_local FreeFrames frames{};

void empty_lists() noexcept {
    frames.room_bytes = 0;
    for (FreeFrame*& first : frames.first) {
        while (FreeFrame* const frame = first) {
            first = frame->next;
            ::operator delete(frame);
        }
    }
}

struct EmptiesAtThreadEnd {
    // Only the first release of a thread runs this, so the constructor may stay out of line.
    EmptiesAtThreadEnd() noexcept {
        frames.opened = true;
        frames.room_bytes = detail::frame_pool_limit_bytes;
    }
    ~EmptiesAtThreadEnd() { empty_lists(); }
};

void open_lists() noexcept { static thread_local const EmptiesAtThreadEnd guard; }

std::size_t class_of(std::size_t size_bytes) noexcept {
    return (size_bytes + detail::frame_class_offset_bytes - 1) / frame_class_bytes;
}

std::size_t bytes_of(std::size_t size_class) noexcept {
    return size_class * frame_class_bytes + detail::frame_class_offset_bytes;
}

bool pooled(std::size_t size_class) noexcept {
    return !detail::address_sanitizer && size_class < std::tuple_size_v<decltype(frames.first)>;
}

// Out of line: the fast path of a release stays short.
[[gnu::noinline]] void release_without_room(void* memory, std::size_t size_bytes) noexcept {
    if (frames.opened) {
        ::operator delete(memory);
        return;
    }
    open_lists();
    release_frame(memory, size_bytes);
}

} // namespace

void* allocate_frame(std::size_t size_bytes) {
    const std::size_t size_class = class_of(size_bytes);
    if (!pooled(size_class)) return ::operator new(size_bytes);
    FreeFrame* const frame = frames.first[size_class];
    if (frame == nullptr) return ::operator new(bytes_of(size_class));
    frames.first[size_class] = frame->next;
    frames.room_bytes += bytes_of(size_class);
    return frame;
}

void release_frame(void* memory, std::size_t size_bytes) noexcept {
    const std::size_t size_class = class_of(size_bytes);
    if (!pooled(size_class)) return ::operator delete(memory);
    const std::size_t class_bytes = bytes_of(size_class);
    if (frames.room_bytes < class_bytes) return release_without_room(memory, size_bytes);
    frames.room_bytes -= class_bytes;
    frames.first[size_class] = ::new (memory) FreeFrame{frames.first[size_class]};
}

std::size_t detail::pooled_frame_bytes() noexcept {
    return frames.opened ? frame_pool_limit_bytes - frames.room_bytes : 0;
}

} // namespace tidemill
