// Timers and posts of libuv, which has a wake-up (uv_async_send) and leaves the queue to its user.
#include "locked_queue.hpp"
#include "micro_main.hpp"
#include <uv.h>

namespace {

class Timers {
public:
    explicit Timers(std::size_t count) : timers_(count) {
        uv_loop_init(&loop_);
        for (uv_timer_t& timer : timers_) uv_timer_init(&loop_, &timer);
    }
    ~Timers() {
        for (uv_timer_t& timer : timers_) uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }
    void arm(std::size_t index, int delay_ms) {
        uv_timer_start(
            &timers_[index], [](uv_timer_t*) { ++fired; }, static_cast<std::uint64_t>(delay_ms), 0);
    }
    void cancel(std::size_t index) { uv_timer_stop(&timers_[index]); }
    void run_due() { uv_run(&loop_, UV_RUN_NOWAIT); }
    static inline std::size_t fired = 0;

private:
    uv_loop_t loop_;
    std::vector<uv_timer_t> timers_;
};

class Loop {
public:
    Loop() {
        uv_loop_init(&loop_);
        uv_async_init(&loop_, &wake_,
                      [](uv_async_t* wake) { static_cast<Loop*>(wake->data)->queue_.run_all(); });
        wake_.data = this;
    }
    ~Loop() {
        uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }
    template <class Closure> void post(Closure closure) {
        queue_.push([this, closure] {
            closure();
            ++ran;
        });
        uv_async_send(&wake_);
    }
    void run_some() { uv_run(&loop_, UV_RUN_NOWAIT); }
    void run_until(std::size_t count) {
        while (ran < count) uv_run(&loop_, UV_RUN_ONCE);
    }
    std::size_t ran = 0;

private:
    uv_loop_t loop_;
    uv_async_t wake_;
    micro::LockedQueue queue_;
};

} // namespace

int main(int argc, char** argv) {
    micro::register_timers<Timers>("");
    micro::register_posts<Loop>();
    return micro::run_registered(argc, argv);
}
