// The link between a stop token and a scope.
//
// The stop is requested on any thread, so the callback only posts. What it posts may run after the
// scope has gone; therefore it asks a small shared object, which only the loop's thread touches.
#include "core/loop_core.hpp"
#include <tidemill/core/cancel_on.hpp>

namespace tidemill {
namespace detail {
namespace {

struct Target {
    TaskScope* scope; ///< null once it is gone
};

class Notify {
public:
    Notify(Inbox& inbox, std::shared_ptr<Target> target)
        : inbox_(inbox.shared_from_this()), target_(std::move(target)) {}
    void operator()() const {
        static_cast<void>(inbox_->post_notice([target = target_] {
            if (target->scope != nullptr) target->scope->cancel();
        }));
    }

private:
    std::shared_ptr<Inbox> inbox_;
    std::shared_ptr<Target> target_;
};

class StopLink final : public ScopeLink {
public:
    StopLink(Inbox& inbox, TaskScope& scope, std::stop_token token)
        : target_(std::make_shared<Target>(Target{&scope})),
          callback_(std::move(token), Notify(inbox, target_)) {}
    ~StopLink() override { target_->scope = nullptr; }

private:
    std::shared_ptr<Target> target_;
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
