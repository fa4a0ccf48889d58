// Counts calls of operator new, for the promise that operations allocate nothing.
//
// allocations.cpp replaces the global operators in every test binary. Under a sanitizer it does
// not, since the sanitizer's own replacement is what finds misuse of the heap there.
#pragma once

#include "sanitizers.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tidemill::support {

inline constexpr bool allocations_are_counted = !under_sanitizer;

/// Counts from its construction on.
class AllocationCount {
public:
    AllocationCount() noexcept;

    /// Calls of operator new by the thread that constructed this object and calls this function.
    [[nodiscard]] std::uint64_t taken() const noexcept;
    /// Calls of operator new by every thread of the process.
    [[nodiscard]] std::uint64_t taken_by_process() const noexcept;

private:
    std::uint64_t thread_start_;
    std::uint64_t process_start_;
};

/// While it lives, the `ordinal`-th allocation by its thread, from 1, finds no memory.
class FailingAllocation {
public:
    explicit FailingAllocation(std::uint64_t ordinal) noexcept;
    FailingAllocation(const FailingAllocation&) = delete;
    FailingAllocation& operator=(const FailingAllocation&) = delete;
    ~FailingAllocation();
    [[nodiscard]] bool has_struck() const noexcept;
};

/// While it lives, operator new finds no memory for a larger block, on its thread.
class LargestBlock {
public:
    explicit LargestBlock(std::size_t bytes) noexcept;
    LargestBlock(const LargestBlock&) = delete;
    LargestBlock& operator=(const LargestBlock&) = delete;
    ~LargestBlock();
    /// For what allocates by other means.
    [[nodiscard]] static bool permits(std::size_t bytes) noexcept;
};

/// Asked for each block that is freed, unless null or under a sanitizer; true: it keeps the block.
/// Blocks of a stricter alignment are not told.
using KeepFreed = bool (*)(void* block) noexcept;
inline std::atomic<KeepFreed> keep_freed = nullptr;

} // namespace tidemill::support

/// Leaves a test case that counts allocations where they cannot be counted, and says so. A binary
/// of such cases only is registered with NOT_UNDER_SANITIZERS.
#define SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED()                                                      \
    do {                                                                                           \
        if (!::tidemill::support::allocations_are_counted) {                                       \
            MESSAGE("skipped: the sanitizer owns operator new, so allocations are not counted");   \
            return;                                                                                \
        }                                                                                          \
    } while (false)
