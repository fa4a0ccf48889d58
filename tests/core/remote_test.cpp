// Reaching a loop from other threads.
#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <thread>
#include <tidemill/tidemill.hpp>
#include <vector>

using namespace tidemill;
using namespace std::chrono_literals;

TEST_CASE("posts from four threads keep the order of each thread and lose nothing") {
    constexpr int thread_count = 4;
    constexpr int posts_per_thread = 10'000;
    EventLoop loop;
    std::array<int, thread_count> next{};
    int in_order = 0;
    std::vector<std::thread> threads;
    for (std::size_t who = 0; who < thread_count; ++who) {
        threads.emplace_back([&, who, remote = loop.remote()] {
            for (int i = 0; i < posts_per_thread; ++i) {
                const bool accepted = remote.post([&, who, i] {
                    if (next[who]++ == i) ++in_order;
                    if (in_order == thread_count * posts_per_thread) loop.stop();
                });
                if (!accepted) return;
            }
        });
    }
    loop.run();
    for (std::thread& thread : threads) thread.join();
    CHECK(in_order == thread_count * posts_per_thread);
    CHECK(loop.counters().rejected_posts == 0);
}

TEST_CASE("a post wakes a loop that sleeps") {
    EventLoop loop;
    for (int round = 0; round < 100; ++round) {
        std::thread thread([&loop, remote = loop.remote()] {
            static_cast<void>(remote.post([&loop] { loop.stop(); }));
        });
        loop.run();
        thread.join();
    }
    CHECK(loop.counters().rejected_posts == 0);
}

TEST_CASE("a stop from another thread ends run") {
    EventLoop loop;
    for (int round = 0; round < 100; ++round) {
        std::thread thread([remote = loop.remote()] { remote.stop(); });
        loop.run();
        thread.join();
    }
    CHECK(loop.counters().turns >= 1);
}

TEST_CASE("a remote whose loop is gone answers false") {
    std::optional<EventLoop> loop(std::in_place);
    const Remote remote = loop->remote();
    CHECK(remote.post([] {}));
    loop.reset();
    bool has_run = false;
    CHECK_FALSE(remote.post([&] { has_run = true; }));
    remote.stop();
    CHECK_FALSE(has_run);
}

TEST_CASE("a mailbox that is full refuses, counts, and takes more once it is emptied") {
    LoopOptions options;
    options.posted_closures = 3;
    EventLoop loop(options);
    int runs = 0;
    const auto post_five = [&] {
        int accepted = 0;
        for (int i = 0; i < 5; ++i) accepted += loop.remote().post([&] { ++runs; }) ? 1 : 0;
        return accepted;
    };
    CHECK(post_five() == 3);
    int from_thread = 0;
    std::thread([&] { from_thread = post_five(); }).join();
    CHECK(from_thread == 3);
    CHECK(loop.counters().rejected_posts == 4);
    loop.run_once(0ms);
    CHECK(runs == 6);
    CHECK(post_five() == 3);
}

TEST_CASE("a closure may destroy what it was posted with, and post more") {
    EventLoop loop;
    auto owner = std::make_shared<int>(7);
    int seen = 0;
    REQUIRE(loop.post([&, kept = owner] {
        owner.reset();
        CHECK(loop.post([&, kept] { seen = *kept; }));
    }));
    loop.run_once(0ms);
    loop.run_once(0ms);
    CHECK(seen == 7);
}

TEST_CASE("closures that were never run are destroyed with the loop, with the timers they own") {
    auto token = std::make_shared<int>(0);
    {
        EventLoop loop;
        auto timer = std::make_shared<Timer>(loop, [] {});
        timer->start(1h);
        REQUIRE(loop.post([token, timer] {}));
        std::thread([&, remote = loop.remote()] { CHECK(remote.post([token] {})); }).join();
        timer.reset();
        CHECK(token.use_count() == 3);
    }
    CHECK(token.use_count() == 1);
}
