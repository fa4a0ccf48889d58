// Posted closures, the same benchmarks for every library: from the loop's own thread in bursts,
// from four threads at a time, and between two loops. Each closure adds one to a counter.
//
// `Loop` has post(closure) (any thread; runs it on the loop's and adds one to `ran`), run_some()
// which runs what is there, run_until(count) which waits until `ran` reaches it, and `ran`.
#pragma once

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace micro {

constexpr std::size_t burst = 1000;
constexpr std::size_t producers = 4;
constexpr std::size_t posts_of_each = 100'000;
constexpr std::size_t in_flight = 64;          // between two loops
constexpr std::size_t passes_of_each = 10'000; // by each of the two

struct Nothing {
    void operator()() const noexcept {}
};

template <class Loop> void post_own_thread(benchmark::State& state) {
    const auto loop = std::make_unique<Loop>();
    for (auto _ : state) {
        const std::size_t target = loop->ran + burst;
        for (std::size_t i = 0; i < burst; ++i) loop->post(Nothing());
        while (loop->ran < target) loop->run_some();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst));
}

template <class Loop> void post_four_threads(benchmark::State& state) {
    const auto loop = std::make_unique<Loop>();
    for (auto _ : state) {
        const std::size_t target = loop->ran + producers * posts_of_each;
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < producers; ++i)
            threads.emplace_back([&loop] {
                for (std::size_t k = 0; k < posts_of_each; ++k) loop->post(Nothing());
            });
        loop->run_until(target);
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(producers * posts_of_each));
}

/// Goes to and fro between two loops.
template <class Loop> struct Ball {
    void operator()() const {
        if (passes > 0) there->post(Ball{there, here, passes - 1});
    }
    Loop* here;
    Loop* there;
    std::size_t passes;
};

// A loop is made, run and destroyed by its own thread; the far one only once nobody posts to it.
template <class Loop> void play_ball() {
    constexpr std::size_t runs_of_each = in_flight * passes_of_each;
    Loop near;
    std::promise<Loop*> made;
    std::promise<void> played;
    std::jthread other([&] {
        Loop far;
        made.set_value(&far);
        far.run_until(runs_of_each);
        played.get_future().wait();
    });
    Loop* const far = made.get_future().get();
    for (std::size_t i = 0; i < in_flight; ++i)
        near.post(Ball<Loop>{&near, far, 2 * passes_of_each - 1});
    near.run_until(runs_of_each);
    played.set_value();
}

template <class Loop> void post_between_loops(benchmark::State& state) {
    for (auto _ : state) play_ball<Loop>();
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(2 * in_flight * passes_of_each));
}

template <class Loop> void register_posts() {
    benchmark::RegisterBenchmark("post_own_thread", &post_own_thread<Loop>);
    benchmark::RegisterBenchmark("post_four_threads", &post_four_threads<Loop>)
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3);
    benchmark::RegisterBenchmark("post_between_loops", &post_between_loops<Loop>)
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1);
}

} // namespace micro
