// Timers, the same three benchmarks for every library: arm, cancel in random order, fire; each with
// a million of them armed.
//
// `Timers` has arm(index, milliseconds), cancel(index), run_due() and a static `fired`.
#pragma once

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace micro {

/// How many are armed; set once, by run_registered().
inline std::size_t timer_count = 1'000'000;
constexpr int near_ms = 200;
constexpr int far_ms = 3'600'000;

inline std::vector<int> random_delays_ms(std::size_t count, int from, int to) {
    std::mt19937 random(1);
    std::uniform_int_distribution<int> delay(from, to);
    std::vector<int> delays(count);
    std::generate(delays.begin(), delays.end(), [&] { return delay(random); });
    return delays;
}

inline std::vector<std::size_t> random_order(std::size_t count) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937(2));
    return order;
}

inline void count_items(benchmark::State& state, std::size_t each) {
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(each));
}

template <class Timers> void timer_arm(benchmark::State& state) {
    const auto timers = std::make_unique<Timers>(timer_count);
    const std::vector<int> delays = random_delays_ms(timer_count, near_ms, far_ms);
    for (auto _ : state) {
        for (std::size_t i = 0; i < timer_count; ++i) timers->arm(i, delays[i]);
        state.PauseTiming();
        for (std::size_t i = 0; i < timer_count; ++i) timers->cancel(i);
        state.ResumeTiming();
    }
    count_items(state, timer_count);
}

template <class Timers> void timer_cancel(benchmark::State& state) {
    const auto timers = std::make_unique<Timers>(timer_count);
    const std::vector<int> delays = random_delays_ms(timer_count, near_ms, far_ms);
    const std::vector<std::size_t> order = random_order(timer_count);
    const std::size_t cancelled = timer_count - timer_count / 10;
    for (auto _ : state) {
        state.PauseTiming();
        for (std::size_t i = 0; i < timer_count; ++i) timers->arm(i, delays[i]);
        state.ResumeTiming();
        for (std::size_t i = 0; i < cancelled; ++i) timers->cancel(order[i]);
        state.PauseTiming();
        for (std::size_t i = cancelled; i < timer_count; ++i) timers->cancel(order[i]);
        state.ResumeTiming();
    }
    count_items(state, cancelled);
}

// One in ten is due, the others are far away.
template <class Timers> void timer_fire(benchmark::State& state) {
    const auto timers = std::make_unique<Timers>(timer_count);
    const std::size_t near_count = timer_count / 10;
    const std::vector<int> delays = random_delays_ms(near_count, 1, near_ms);
    const std::vector<int> far_delays = random_delays_ms(timer_count, far_ms / 2, far_ms);
    const std::vector<std::size_t> order = random_order(timer_count);
    for (auto _ : state) {
        state.PauseTiming();
        Timers::fired = 0;
        for (std::size_t i = near_count; i < timer_count; ++i) timers->arm(order[i], far_delays[i]);
        for (std::size_t i = 0; i < near_count; ++i) timers->arm(order[i], delays[i]);
        std::this_thread::sleep_for(std::chrono::milliseconds(near_ms + 10));
        state.ResumeTiming();
        while (Timers::fired < near_count) timers->run_due();
        state.PauseTiming();
        for (std::size_t i = near_count; i < timer_count; ++i) timers->cancel(order[i]);
        state.ResumeTiming();
    }
    count_items(state, near_count);
}

template <class Timers> void register_timers(const std::string& prefix) {
    const auto add = [&prefix](const char* name, int times, void (*function)(benchmark::State&)) {
        benchmark::RegisterBenchmark((prefix + name).c_str(), function)
            ->Unit(benchmark::kMillisecond)
            ->Iterations(times);
    };
    add("timer_arm", 2, &timer_arm<Timers>);
    add("timer_cancel", 1, &timer_cancel<Timers>);
    add("timer_fire", 1, &timer_fire<Timers>);
}

} // namespace micro
