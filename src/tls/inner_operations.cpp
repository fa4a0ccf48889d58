#include "tls/inner_operations.hpp"
#include "tls/tls_connection.hpp"

namespace tidemill::detail {

namespace {

struct PumpCoroutine {
    struct promise_type : PromiseBase {
        PumpCoroutine get_return_object() noexcept { return {this}; }
        void return_void() noexcept {}
    };
    static_assert(alignof(promise_type) == alignof(PromiseBase)); // see PromiseBase
    PromiseBase* promise;
};

// The connection is borrowed; after the call it may be gone, and this frame is never resumed then.
PumpCoroutine pump(TlsConnection& connection, InnerPump::Step step) {
    for (;;) {
        co_await std::suspend_always();
        (connection.*step)();
    }
}

} // namespace

void InnerPump::start(TlsConnection& connection, Step step, TaskOwner& owner) {
    promise_ = pump(connection, step).promise;
    promise_->start_root(owner);
}

void InnerPump::stop(LoopCore* loop) noexcept {
    if (promise_ == nullptr) return;
    PromiseBase& promise = *std::exchange(promise_, nullptr);
    promise.is_running() ? promise.doom(*loop) : promise.destroy();
}

} // namespace tidemill::detail
