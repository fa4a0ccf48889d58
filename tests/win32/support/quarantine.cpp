#include "win32/support/quarantine.hpp"
#include "support/allocations.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <mutex>

namespace tidemill::support {
namespace {

constexpr unsigned char mark = 0xDD;

class Quarantine {
public:
    void keep_only(std::size_t size) noexcept {
        const std::lock_guard lock(mutex_);
        size_ = size;
    }
    /// False: the block is of another size, and the caller's.
    bool take(void* block) noexcept {
        const std::lock_guard lock(mutex_);
        if (size_ == 0 || _msize(block) != size_) return false;
        void*& place = blocks_[count_ % blocks_.size()];
        if (place != nullptr) {
            if (is_touched(place)) ++touched_;
            std::free(place);
        }
        std::memset(block, mark, size_);
        place = block;
        ++count_;
        return true;
    }
    [[nodiscard]] std::size_t count() noexcept {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    [[nodiscard]] std::size_t touched() noexcept {
        const std::lock_guard lock(mutex_);
        std::size_t result = touched_;
        for (const void* const block : blocks_)
            if (block != nullptr && is_touched(block)) ++result;
        return result;
    }

private:
    [[nodiscard]] bool is_touched(const void* block) const noexcept {
        const auto* const bytes = static_cast<const unsigned char*>(block);
        return std::any_of(bytes, bytes + size_, [](unsigned char byte) { return byte != mark; });
    }

    std::mutex mutex_;
    std::size_t size_ = 0;
    std::size_t count_ = 0;
    std::size_t touched_ = 0; ///< of those that have been freed since
    std::array<void*, 4096> blocks_{};
};

Quarantine quarantine;

} // namespace

void quarantine_blocks_of(std::size_t size) noexcept {
    quarantine.keep_only(size);
    keep_freed.store([](void* block) noexcept { return quarantine.take(block); });
}
std::size_t quarantined_blocks() noexcept { return quarantine.count(); }
std::size_t touched_blocks() noexcept { return quarantine.touched(); }

} // namespace tidemill::support
