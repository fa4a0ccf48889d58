// Timers, posts and coroutine frames of tidemill: the public Timer, and below it the node and wheel
// which every deadline of a stream uses.
#include "core/timer_wheel.hpp"
#include "micro_main.hpp"
#include <optional>
#include <tidemill/tidemill.hpp>

namespace {

using namespace tidemill;
using namespace std::chrono_literals;

class PublicTimers {
public:
    explicit PublicTimers(std::size_t count) : timers_(count) {
        for (auto& timer : timers_) timer.emplace(loop_, [] { ++fired; });
    }
    void arm(std::size_t index, int delay_ms) {
        timers_[index]->start(std::chrono::milliseconds(delay_ms));
    }
    void cancel(std::size_t index) { timers_[index]->cancel(); }
    void run_due() { loop_.run_once(0s); }
    static inline std::size_t fired = 0;

private:
    EventLoop loop_;
    std::vector<std::optional<Timer>> timers_; // they do not move
};

class CountingNode final : public detail::TimerNode {
public:
    static inline std::size_t fired = 0;

private:
    void on_timer() noexcept override { ++fired; }
};

class WheelTimers {
public:
    explicit WheelTimers(std::size_t count) : wheel_(now_ns()), nodes_(count) {}
    void arm(std::size_t index, int delay_ms) {
        wheel_.arm(nodes_[index], loop_time_ns_ + std::int64_t{delay_ms} * 1'000'000);
    }
    void cancel(std::size_t index) { wheel_.cancel(nodes_[index]); }
    void run_due() {
        CountingNode::fired = 0;
        loop_time_ns_ = now_ns();
        wheel_.expire(loop_time_ns_);
        fired += CountingNode::fired;
    }
    static inline std::size_t fired = 0;

private:
    static std::int64_t now_ns() {
        return std::chrono::steady_clock::now().time_since_epoch() / 1ns;
    }
    std::int64_t loop_time_ns_ = now_ns(); // a turn's, as the loop has it
    detail::TimerWheel wheel_;
    std::vector<CountingNode> nodes_;
};

class Loop {
public:
    template <class Closure> void post(Closure closure) {
        while (!remote_.post([this, closure] { run(closure); })) std::this_thread::yield();
    }
    void run_some() { loop_.run_once(0s); }
    void run_until(std::size_t count) {
        awaited_ = count;
        if (ran < awaited_) loop_.run();
    }
    std::size_t ran = 0;

private:
    template <class Closure> void run(const Closure& closure) {
        closure();
        if (++ran == awaited_) loop_.stop();
    }
    EventLoop loop_;
    Remote remote_ = loop_.remote();
    std::size_t awaited_ = 0;
};

Task<int> child(int value) { co_return value; }

Task<void> call_children(benchmark::State& state) {
    int sum = 0;
    for (auto _ : state) sum += co_await child(1);
    benchmark::DoNotOptimize(sum);
}

void coroutine_frame(benchmark::State& state) {
    EventLoop loop;
    loop.run(call_children(state));
    state.SetItemsProcessed(state.iterations());
}

} // namespace

int main(int argc, char** argv) {
    micro::register_timers<PublicTimers>("");
    micro::register_timers<WheelTimers>("wheel_");
    micro::register_posts<Loop>();
    benchmark::RegisterBenchmark("coroutine_frame", &coroutine_frame);
    return micro::run_registered(argc, argv);
}
