// The replaced operator new: counts, then asks malloc.
//
// Only the two forms that the standard library's other forms forward to are replaced, each with its
// own delete; so array, nothrow and sized calls are counted once and freed by the matching call.
#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

namespace tidemill::support {
namespace {

thread_local std::uint64_t by_thread = 0;
std::atomic<std::uint64_t> by_process = 0;
thread_local std::uint64_t allocations_left = 0; ///< until one fails; 0: none will
thread_local bool is_failing = false;
thread_local std::size_t largest_block = std::numeric_limits<std::size_t>::max();

} // namespace

AllocationCount::AllocationCount() noexcept
    : thread_start_(by_thread), process_start_(by_process.load(std::memory_order_relaxed)) {}

std::uint64_t AllocationCount::taken() const noexcept { return by_thread - thread_start_; }

std::uint64_t AllocationCount::taken_by_process() const noexcept {
    return by_process.load(std::memory_order_relaxed) - process_start_;
}

FailingAllocation::FailingAllocation(std::uint64_t ordinal) noexcept {
    allocations_left = ordinal;
    is_failing = true;
}

FailingAllocation::~FailingAllocation() {
    allocations_left = 0;
    is_failing = false;
}

bool FailingAllocation::has_struck() const noexcept { return is_failing && allocations_left == 0; }

LargestBlock::LargestBlock(std::size_t bytes) noexcept { largest_block = bytes; }

LargestBlock::~LargestBlock() { largest_block = std::numeric_limits<std::size_t>::max(); }

bool LargestBlock::permits(std::size_t bytes) noexcept { return bytes <= largest_block; }

namespace {

[[maybe_unused]] void* counted_malloc(std::size_t size) {
    void* memory = LargestBlock::permits(size) ? std::malloc(size) : nullptr;
    ++by_thread;
    by_process.fetch_add(1, std::memory_order_relaxed);
    if (allocations_left > 0 && --allocations_left == 0) {
        std::free(memory);
        memory = nullptr;
    }
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

[[maybe_unused]] void free_or_keep(void* memory) noexcept {
    if (memory == nullptr) return;
    const KeepFreed keep = keep_freed.load(std::memory_order_relaxed);
    if (keep == nullptr || !keep(memory)) std::free(memory);
}

} // namespace
} // namespace tidemill::support

#if !defined(TIDEMILL_UNDER_ADDRESS_SANITIZER) && !defined(TIDEMILL_UNDER_THREAD_SANITIZER)

void* operator new(std::size_t size) {
    return tidemill::support::counted_malloc(size == 0 ? 1 : size);
}
// Not every system has an aligned_alloc() whose memory free() takes: what malloc() gave is noted in
// front of the aligned block.
void* operator new(std::size_t size, std::align_val_t alignment) {
    const std::size_t extra = static_cast<std::size_t>(alignment) + sizeof(void*);
    void* const whole = tidemill::support::counted_malloc(size + extra);
    void* aligned = static_cast<char*>(whole) + sizeof(void*);
    std::size_t room = size + extra - sizeof(void*);
    std::align(static_cast<std::size_t>(alignment), size, aligned, room);
    static_cast<void**>(aligned)[-1] = whole;
    return aligned;
}
void operator delete(void* memory) noexcept { tidemill::support::free_or_keep(memory); }
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
    if (memory != nullptr) std::free(static_cast<void**>(memory)[-1]);
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
    operator delete(memory, alignment);
}

#endif
