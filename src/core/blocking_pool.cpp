#include "core/blocking_pool.hpp"
#include <algorithm>
#include <system_error>

namespace tidemill::detail {

BlockingPool& BlockingPool::of(LoopCore& loop) {
    auto& extension = loop.extension(ExtensionSlot::blocking);
    if (extension == nullptr) extension = std::make_unique<BlockingPool>(loop);
    return static_cast<BlockingPool&>(*extension);
}

BlockingPool::BlockingPool(LoopCore& loop)
    : inbox_(loop.inbox().shared_from_this()),
      most_threads_(std::max<std::size_t>(loop.options().blocking_threads, 1)),
      most_jobs_(loop.options().blocking_jobs) {}

bool BlockingPool::submit(const std::shared_ptr<BlockingJob>& job) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= most_jobs_ || has_ended_) return false;
    if (jobs_.size() >= idle_threads_ && threads_.size() < most_threads_) start_thread();
    jobs_.push_back(job);
    has_news_.notify_one();
    return true;
}

// A system that refuses a further thread slows the pool down; only a pool without any is an error.
void BlockingPool::start_thread() {
    threads_.reserve(most_threads_);
    try {
        threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
        if (threads_.empty()) throw;
    }
}

void BlockingPool::work() {
    while (std::shared_ptr<BlockingJob> job = next_job()) {
        if (job->is_abandoned()) continue;
        job->run();
        // Refused only when the loop's end has begun: then nobody waits for the next one either.
        if (!inbox_->post_notice([done = std::move(job)] { done->deliver(); })) return;
    }
}

std::shared_ptr<BlockingJob> BlockingPool::next_job() {
    std::unique_lock lock(mutex_);
    ++idle_threads_;
    has_news_.wait(lock, [this] { return has_ended_ || !jobs_.empty(); });
    --idle_threads_;
    if (has_ended_) return nullptr;
    std::shared_ptr<BlockingJob> job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

void BlockingPool::end() noexcept {
    std::deque<std::shared_ptr<BlockingJob>> dropped; // destroyed without the lock: it is user code
    {
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
        dropped.swap(jobs_);
    }
    has_news_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void BlockingJob::deliver() noexcept {
    if (waiter_ == nullptr) return;
    waiter_->waiter().loop()->thread_answered();
    std::exchange(waiter_, nullptr)->finish_later({});
}

void BlockingJob::abandon(Operation& operation) noexcept {
    if (LoopCore* const loop = operation.waiter().loop(); loop != nullptr) loop->thread_answered();
    waiter_ = nullptr;
    is_abandoned_.store(true);
}

bool BlockingWait::start(PromiseBase& task) {
    if (!BlockingPool::of(*task.loop()).submit(job_)) return complete(task, Errc::limit_reached);
    job_->waiter_ = this;
    task.loop()->await_thread();
    park_timed(*job_, task);
    return true;
}

} // namespace tidemill::detail
