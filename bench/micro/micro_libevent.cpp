// Timers and posts of libevent, which has a wake-up (event_active) and leaves the queue to its
// user.
#include "locked_queue.hpp"
#include "micro_main.hpp"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

namespace {

void on_timer(evutil_socket_t, short, void* fired) { ++*static_cast<std::size_t*>(fired); }

class Timers {
public:
    explicit Timers(std::size_t count) : base_(event_base_new()), timers_(count) {
        for (event& timer : timers_) evtimer_assign(&timer, base_, on_timer, &fired);
    }
    ~Timers() {
        for (event& timer : timers_) event_del(&timer);
        event_base_free(base_);
    }
    void arm(std::size_t index, int delay_ms) {
        const timeval delay{delay_ms / 1000, delay_ms % 1000 * 1000};
        evtimer_add(&timers_[index], &delay);
    }
    void cancel(std::size_t index) { evtimer_del(&timers_[index]); }
    void run_due() { event_base_loop(base_, EVLOOP_NONBLOCK); }
    static inline std::size_t fired = 0;

private:
    event_base* base_;
    std::vector<event> timers_;
};

class Loop {
public:
    Loop() {
        evthread_use_pthreads();
        base_ = event_base_new();
        wake_ = event_new(base_, -1, EV_PERSIST, on_wake, this);
        event_add(wake_, nullptr);
    }
    ~Loop() {
        event_free(wake_);
        event_base_free(base_);
    }
    template <class Closure> void post(Closure closure) {
        queue_.push([this, closure] {
            closure();
            ++ran;
        });
        event_active(wake_, EV_TIMEOUT, 0);
    }
    void run_some() { event_base_loop(base_, EVLOOP_NONBLOCK); }
    void run_until(std::size_t count) {
        while (ran < count) event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    }
    std::size_t ran = 0;

private:
    static void on_wake(evutil_socket_t, short, void* self) {
        static_cast<Loop*>(self)->queue_.run_all();
    }
    event_base* base_;
    event* wake_;
    micro::LockedQueue queue_;
};

} // namespace

int main(int argc, char** argv) {
    micro::register_timers<Timers>("");
    micro::register_posts<Loop>();
    return micro::run_registered(argc, argv);
}
