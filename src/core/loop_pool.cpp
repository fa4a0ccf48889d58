// The threads of a pool, from their start to their end.
//
// Nobody looks at another loop's members but through its mailbox. What all share is guarded by one
// mutex and changes a few times in a life: how many loops are there, and the first failure.
#include "core/inbox.hpp"
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <tidemill/core/loop_pool.hpp>
#include <tidemill/core/require.hpp>

namespace tidemill {

struct LoopPool::State {
    // Posted as notices: what starts and stops a loop must not fail for want of memory, nor because
    // its box is full.
    struct Setter final : detail::Notice {
        explicit Setter(Event& to_set) noexcept : event(to_set) {}
        void on_notice() noexcept override { event.set(); }
        Event& event;
    };
    struct Member {
        Member(LoopPool& pool, std::size_t index) : here(pool, index) {}
        PoolLoop here;
        Setter starting{here.start_};
        Setter stopping{here.stop_};
        std::optional<Remote> remote; ///< written once, before the loop counts as made
        std::thread thread;
    };

    void run_member(Member& member, const LoopOptions& options) noexcept;
    [[nodiscard]] Task<void> main_task(PoolLoop& here);
    void start_threads(const LoopOptions& options);
    void wait_until_made();
    void made_one() noexcept;
    void keep_failure() noexcept;
    void start_all(Start start, const void* with) noexcept;
    void stop_all() noexcept;
    void join_all() noexcept;

    std::deque<Member> members; // they do not move
    Start run_app = nullptr;    ///< null: there is nothing to run, and the loops end
    const void* app = nullptr;
    bool has_run = false;

    std::mutex mutex;
    std::condition_variable made;
    std::size_t made_count = 0;       ///< loops that exist, or never will
    std::exception_ptr first_failure; ///< guarded by the mutex while threads run
    bool can_stop = false;            ///< guarded by the mutex: all mailboxes are there
};

namespace {

std::size_t usable_count(std::size_t wanted) noexcept {
    const std::size_t count =
        wanted == 0 ? std::size_t{std::thread::hardware_concurrency()} : wanted;
    return std::clamp<std::size_t>(count, 1, LoopPool::most_loops);
}

} // namespace

void LoopPool::State::run_member(Member& member, const LoopOptions& options) noexcept {
    bool is_made = false;
    try {
        EventLoop loop(options);
        member.here.loop_ = &loop;
        member.remote.emplace(loop.remote());
        is_made = true;
        made_one();
        loop.run(main_task(member.here));
    } catch (...) {
        keep_failure();
        if (!is_made) made_one();
        stop_all();
    }
}

Task<void> LoopPool::State::main_task(PoolLoop& here) {
    static_cast<void>(co_await here.start_.wait());
    if (run_app != nullptr) co_await run_app(app, here);
}

void LoopPool::State::made_one() noexcept {
    const std::lock_guard lock(mutex);
    ++made_count;
    made.notify_one();
}

void LoopPool::State::keep_failure() noexcept {
    const std::lock_guard lock(mutex);
    if (!first_failure) first_failure = std::current_exception();
}

// A thread that cannot be started leaves those that run already; they are waited for below.
void LoopPool::State::start_threads(const LoopOptions& options) {
    for (Member& member : members) {
        try {
            member.thread = std::thread([this, &member, options] { run_member(member, options); });
        } catch (...) {
            keep_failure();
            made_one();
        }
    }
}

void LoopPool::State::wait_until_made() {
    std::unique_lock lock(mutex);
    made.wait(lock, [this] { return made_count == members.size(); });
    can_stop = true;
}

// Posting is what makes `run_app` and `app` visible to the loop.
void LoopPool::State::start_all(Start start, const void* with) noexcept {
    run_app = start;
    app = with;
    for (Member& member : members)
        if (member.remote) detail::Inbox::of(*member.remote).post_notice(member.starting);
}

void LoopPool::State::stop_all() noexcept {
    {
        const std::lock_guard lock(mutex);
        if (!can_stop) return; // whoever makes the pool finds the failure, and ends it
    }
    for (Member& member : members)
        if (member.remote) detail::Inbox::of(*member.remote).post_notice(member.stopping);
}

void LoopPool::State::join_all() noexcept {
    for (Member& member : members)
        if (member.thread.joinable()) member.thread.join();
}

LoopPool::LoopPool(const LoopPoolOptions& options) : state_(std::make_unique<State>()) {
    const std::size_t count = usable_count(options.loops);
    for (std::size_t i = 0; i < count; ++i) state_->members.emplace_back(*this, i);
    state_->start_threads(options.loop);
    state_->wait_until_made();
    if (!state_->first_failure) return;
    state_->start_all(nullptr, nullptr);
    state_->join_all();
    std::rethrow_exception(state_->first_failure);
}

LoopPool::~LoopPool() {
    if (!state_->has_run) state_->start_all(nullptr, nullptr);
    state_->join_all();
}

void LoopPool::run_all(Start start, const void* app) {
    TIDEMILL_REQUIRE(!state_->has_run, "a LoopPool runs one application, once");
    state_->has_run = true;
    state_->start_all(start, app);
    state_->join_all();
    if (state_->first_failure) std::rethrow_exception(state_->first_failure);
}

void LoopPool::stop() noexcept { state_->stop_all(); }

std::size_t LoopPool::size() const noexcept { return state_->members.size(); }

Remote LoopPool::remote(std::size_t index) const {
    TIDEMILL_REQUIRE(index < size(), "a LoopPool has no loop of this index");
    return *state_->members[index].remote;
}

bool LoopPool::post(std::size_t index, Function closure) const {
    return remote(index).post(std::move(closure));
}

} // namespace tidemill
