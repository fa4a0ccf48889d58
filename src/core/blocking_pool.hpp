// The threads of one loop that run blocking functions: started on demand, bounded, joined at the
// loop's end.
#pragma once

#include "core/loop_core.hpp"
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <tidemill/core/run_blocking.hpp>
#include <vector>

namespace tidemill::detail {

class BlockingPool final : public LoopExtension {
public:
    [[nodiscard]] static BlockingPool& of(LoopCore& loop);

    explicit BlockingPool(LoopCore& loop);
    ~BlockingPool() override { end(); }
    /// False: as many jobs as allowed are queued already.
    [[nodiscard]] bool submit(const std::shared_ptr<BlockingJob>& job);
    void on_loop_gone() noexcept override { end(); }

private:
    void start_thread();
    void work();
    [[nodiscard]] std::shared_ptr<BlockingJob> next_job();
    void end() noexcept;

    const std::shared_ptr<Inbox> inbox_;
    const std::size_t most_threads_;
    const std::size_t most_jobs_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable has_news_;
    std::deque<std::shared_ptr<BlockingJob>> jobs_;
    std::size_t idle_threads_ = 0;
    bool has_ended_ = false;
};

} // namespace tidemill::detail
