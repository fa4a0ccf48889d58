// What a user of a library that only has a wake-up would write: a vector under a lock, swapped by
// the loop as a whole.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace micro {

class LockedQueue {
public:
    void push(std::function<void()> closure) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(closure));
    }
    void run_all() {
        {
            const std::lock_guard lock(mutex_);
            std::swap(waiting_, running_);
        }
        for (const auto& closure : running_) closure();
        running_.clear();
    }

private:
    std::mutex mutex_;
    std::vector<std::function<void()>> waiting_;
    std::vector<std::function<void()>> running_;
};

} // namespace micro
