// Posted closures, the same two benchmarks for every library: from the loop's own thread in bursts,
// and from four threads at a time. Each closure adds one to a counter.
//
// `Loop` has post() (any thread; adds one to `ran` on the loop's), run_some() which runs what is
// there, run_until(count) which waits until `ran` reaches it, and `ran`.
#pragma once

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace micro {

constexpr std::size_t burst = 1000;
constexpr std::size_t producers = 4;
constexpr std::size_t posts_of_each = 100'000;

template <class Loop> void post_own_thread(benchmark::State& state) {
    const auto loop = std::make_unique<Loop>();
    for (auto _ : state) {
        const std::size_t target = loop->ran + burst;
        for (std::size_t i = 0; i < burst; ++i) loop->post();
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
                for (std::size_t k = 0; k < posts_of_each; ++k) loop->post();
            });
        loop->run_until(target);
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(producers * posts_of_each));
}

template <class Loop> void register_posts() {
    benchmark::RegisterBenchmark("post_own_thread", &post_own_thread<Loop>);
    benchmark::RegisterBenchmark("post_four_threads", &post_four_threads<Loop>)
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3);
}

} // namespace micro
