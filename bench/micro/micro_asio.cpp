// Timers and posts of Asio. The handler of a cancelled wait runs, as `aborted`: this belongs to
// what a cancellation costs.
#include "micro_main.hpp"
#include <asio.hpp>
#include <deque>

namespace {

class Timers {
public:
    explicit Timers(std::size_t count) : context_(1) {
        for (std::size_t i = 0; i < count; ++i) timers_.emplace_back(context_);
    }
    void arm(std::size_t index, int delay_ms) {
        timers_[index].expires_after(std::chrono::milliseconds(delay_ms));
        timers_[index].async_wait([](std::error_code error) {
            if (!error) ++fired;
        });
    }
    void cancel(std::size_t index) {
        timers_[index].cancel();
        if (index % 1024 == 0) run_due();
    }
    void run_due() {
        context_.restart();
        context_.poll();
    }
    static inline std::size_t fired = 0;

private:
    asio::io_context context_;
    std::deque<asio::steady_timer> timers_;
};

class Loop {
public:
    Loop() : context_(1), work_(asio::make_work_guard(context_)) {}
    template <class Closure> void post(Closure closure) {
        asio::post(context_, [this, closure] { run(closure); });
    }
    void run_some() { context_.poll(); }
    void run_until(std::size_t count) {
        awaited_ = count;
        if (ran >= awaited_) return;
        context_.restart();
        context_.run();
    }
    std::size_t ran = 0;

private:
    template <class Closure> void run(const Closure& closure) {
        closure();
        if (++ran == awaited_) context_.stop();
    }
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::size_t awaited_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    micro::register_timers<Timers>("");
    micro::register_posts<Loop>();
    return micro::run_registered(argc, argv);
}
