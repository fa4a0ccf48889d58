#include "core/inbox.hpp"
#include "core/cpu_pause.hpp"
#include "core/loop_core.hpp"
#include <tidemill/core/require.hpp>
#include <utility>

namespace tidemill::detail {

namespace {

// What a closure owns goes as soon as it has run, also if it throws.
struct Emptied {
    Function& function;
    ~Emptied() { function = Function(); }
};

} // namespace

bool Inbox::post(Function closure) {
    const bool accepted = is_own_thread() ? post_own(std::move(closure), limit_)
                                          : post_foreign(std::move(closure), limit_);
    if (!accepted) rejected_.fetch_add(1, std::memory_order_relaxed);
    return accepted;
}

bool Inbox::post_notice(Function closure) {
    constexpr std::size_t no_limit = ~std::size_t{0};
    return is_own_thread() ? post_own(std::move(closure), no_limit)
                           : post_foreign(std::move(closure), no_limit);
}

bool Inbox::post_own(Function&& closure, std::size_t limit) {
    if (selector_ == nullptr || own_.size() >= limit) return false;
    own_.push_back(std::move(closure));
    loop_->work_came_up();
    return true;
}

// Only who finds the box empty announces it and wakes the loop: the loop takes all that is there at
// once, so whoever comes behind him has nothing to add.
bool Inbox::post_foreign(Function&& closure, std::size_t limit) {
    const std::unique_lock lock = lock_after_spinning();
    if (selector_ == nullptr || foreign_.size() >= limit) return false;
    foreign_.push_back(std::move(closure));
    if (foreign_.size() > 1) return true;
    has_foreign_.store(true);
    wake_if_asleep();
    return true;
}

void Inbox::post_notice(Notice& notice) noexcept {
    const std::lock_guard lock(mutex_);
    if (selector_ == nullptr || notice.is_posted_.exchange(true)) return;
    notice.next_ = std::exchange(notices_, &notice);
    has_foreign_.store(true);
    if (is_own_thread()) loop_->work_came_up();
    wake_if_asleep();
}

// The lock is held for some nanoseconds, and being put to sleep for it costs microseconds. Each try
// takes the lock's cache line from its holder, hence the growing pauses.
std::unique_lock<std::mutex> Inbox::lock_after_spinning() {
    constexpr int most_pauses = 64; // before one try
    std::unique_lock lock(mutex_, std::try_to_lock);
    for (int pauses = 4; pauses <= most_pauses && !lock.owns_lock(); pauses *= 2) {
        for (int i = 0; i < pauses; ++i) cpu_pause();
        static_cast<void>(lock.try_lock());
    }
    if (!lock.owns_lock()) lock.lock();
    return lock;
}

// Called under the lock: it keeps the selector alive, since close() takes the lock as well.
void Inbox::wake_if_asleep() noexcept {
    if (is_asleep_.exchange(false)) selector_->wake();
}

void Inbox::stop() noexcept {
    const std::lock_guard lock(mutex_);
    if (selector_ == nullptr) return;
    TIDEMILL_REQUIRE(!is_guest_, "a guest's EventLoop is stopped by its host alone");
    stop_requested_.store(true);
    wake_if_asleep();
}

bool Inbox::may_sleep(bool heeds_stop) noexcept {
    is_asleep_.store(true);
    if (!has_foreign_.load() && !(heeds_stop && stop_requested_.load())) return true;
    after_wait();
    return false;
}

bool Inbox::take_stop() noexcept {
    return stop_requested_.load(std::memory_order_relaxed) && stop_requested_.exchange(false);
}

void Inbox::run_closures() {
    Notice* notices = nullptr;
    if (running_own_.empty()) running_own_.swap(own_);
    if (running_foreign_.empty() && has_foreign_.load(std::memory_order_relaxed)) {
        const std::lock_guard lock(mutex_);
        running_foreign_.swap(foreign_);
        notices = std::exchange(notices_, nullptr);
        has_foreign_.store(false);
    }
    run_notices(notices);
    run_all(running_own_, done_own_);
    run_all(running_foreign_, done_foreign_);
}

void Inbox::run_all(std::vector<Function>& queue, std::size_t& done) {
    while (done < queue.size()) {
        Function& closure = queue[done++]; // nobody adds to this batch
        const Emptied emptied{closure};
        closure();
    }
    queue.clear();
    done = 0;
}

// From the moment at which it is not posted any more, another thread may write the link.
void Inbox::run_notices(Notice* first) noexcept {
    while (first != nullptr) {
        Notice& notice = *std::exchange(first, first->next_);
        notice.is_posted_.store(false);
        notice.on_notice();
    }
}

void Inbox::use(Selector& selector, bool is_guest) noexcept {
    const std::lock_guard lock(mutex_);
    selector_ = &selector;
    is_guest_ = is_guest;
}

// The loop is named until the closures are gone: they may own timers, which leave its wheel.
void Inbox::close() noexcept {
    std::vector<Function> dropped;
    {
        const std::lock_guard lock(mutex_);
        selector_ = nullptr;
        dropped.swap(foreign_);
        notices_ = nullptr;
        has_foreign_.store(false);
    }
    dropped.clear();
    own_.clear();
    running_own_.clear();
    running_foreign_.clear();
    loop_ = nullptr;
}

} // namespace tidemill::detail

namespace tidemill {

bool Remote::post(Function closure) const { return inbox_->post(std::move(closure)); }

void Remote::stop() const noexcept { inbox_->stop(); }

} // namespace tidemill
