#include "core/loop_core.hpp"
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/require.hpp>

namespace tidemill {

EventLoop::EventLoop(const LoopOptions& options)
    : core_(std::make_unique<detail::LoopCore>(options, detail::Seams{})) {}

EventLoop::EventLoop(std::unique_ptr<detail::LoopCore> core) noexcept : core_(std::move(core)) {}

EventLoop::~EventLoop() = default;

void EventLoop::run() { core_->run(); }

void EventLoop::run_once(Duration max_wait) { core_->run_once(max_wait); }

void EventLoop::stop() noexcept { core_->inbox().stop(); }

bool EventLoop::post(Function closure) { return core_->inbox().post(std::move(closure)); }

Remote EventLoop::remote() const noexcept { return core_->inbox().remote(); }

NativeSocket EventLoop::native_handle() const noexcept { return core_->selector().native_handle(); }

Duration EventLoop::next_timeout() noexcept {
    core_->check_can_run();
    return core_->time_left_alone();
}

LoopCounters EventLoop::counters() const { return core_->counted(); }

const char* EventLoop::selector_name() const noexcept { return core_->selector().name(); }

Duration EventLoop::now() const noexcept { return Duration(core_->now_ns()); }

namespace detail {

void LoopCore::run_until(const bool& has_ended) {
    check_can_run();
    count_exceptions_around();
    while (!has_ended) turn(Duration(-1), false);
}

MainTask::MainTask(EventLoop& loop, PromiseBase& task) noexcept
    : TaskOwner(&loop.core()), task_(task) {}

MainTask::~MainTask() { task_.destroy(); }

void MainTask::run() {
    loop_->check_can_run();
    {
        const LoopCore::UseGuard in_use(*loop_);
        task_.start_root(*this);
    }
    loop_->run_until(has_ended_);
    if (exception_ != nullptr) std::rethrow_exception(exception_);
}

// The frame stays: run(task) takes the result from it.
void MainTask::child_stopped(PromiseBase&) noexcept { has_ended_ = true; }

void MainTask::child_failed(std::exception_ptr exception) noexcept {
    exception_ = std::move(exception);
}

} // namespace detail
} // namespace tidemill
