// The link between a stop token and a scope.
//
// The stop is requested on any thread, so the callback only posts. What it posts may run after the
// scope has gone; therefore it asks a small shared object, which only the loop's thread touches.
#include "core/loop_core.hpp"
#include <atomic>
#include <thread>
#include <tidemill/core/cancel_on.hpp>

namespace tidemill {
namespace detail {
namespace {

struct Target {
    explicit Target(TaskScope* target) noexcept : scope(target) {}
    TaskScope* scope;                  ///< null once it is gone
    std::atomic<bool> has_run = false; ///< the callback, on whatever thread
};

class Notify {
public:
    Notify(Inbox& inbox, std::shared_ptr<Target> target)
        : inbox_(inbox.shared_from_this()), target_(std::move(target)) {}
    void operator()() const {
        static_cast<void>(inbox_->post_notice([target = target_] {
            if (target->scope != nullptr) target->scope->cancel();
        }));
        target_->has_run.store(true);
    }

private:
    std::shared_ptr<Inbox> inbox_;
    std::shared_ptr<Target> target_;
};

class StopLink final : public ScopeLink {
public:
    StopLink(Inbox& inbox, TaskScope& scope, std::stop_token token)
        : target_(std::make_shared<Target>(&scope)), token_(token),
          callback_(std::move(token), Notify(inbox, target_)) {}
    ~StopLink() override {
        target_->scope = nullptr;
        let_callback_end();
    }

private:
    // The callback's destructor waits for one that runs on another thread. Where there is no futex,
    // the standard library of GCC 12 loses the wake of that wait, if it comes in the instant before
    // the wait; the callback is short, so it is given the time to end by itself. Not without limit:
    // it may be one of several, of which another is what destroys this object.
    void let_callback_end() const noexcept {
        constexpr int most_yields = 10'000;
        for (int i = 0; i < most_yields; ++i) {
            if (!token_.stop_requested() || target_->has_run.load()) break;
            std::this_thread::yield();
        }
        if (target_->has_run.load()) std::this_thread::yield(); // and its last few instructions
    }

    std::shared_ptr<Target> target_;
    std::stop_token token_;
    std::stop_callback<Notify> callback_;
};

} // namespace
} // namespace detail

void cancel_on(TaskScope& scope, std::stop_token token) {
    detail::LoopCore* const loop = detail::ScopeLink::loop_of(scope);
    if (loop == nullptr) return;
    detail::ScopeLink::attach(
        scope, std::make_unique<detail::StopLink>(loop->inbox(), scope, std::move(token)));
}

} // namespace tidemill
