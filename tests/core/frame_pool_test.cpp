// Frames are recycled by the thread that frees them, within bounds, and at any time.
#include "core/frame_pool.hpp"
#include "support/death.hpp"
#include "support/sanitizers.hpp"

#include <cstdint>
#include <cstring>
#include <doctest/doctest.h>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

using tidemill::allocate_frame;
using tidemill::release_frame;
using tidemill::detail::frame_pool_limit_bytes;
using tidemill::detail::pooled_frame_bytes;

constexpr bool pooling = !tidemill::support::under_address_sanitizer;

/// Runs `claims` on a thread whose lists are fresh.
template <class Claims> void on_a_new_thread(Claims claims) { std::thread(claims).join(); }

/// A frame that dies with its thread or program, before or after the thread's lists.
struct LateFrame {
    void* frame = allocate_frame(200);
    ~LateFrame() {
        release_frame(frame, 200);
        release_frame(allocate_frame(300), 300);
    }
};

const LateFrame dies_in_static_destruction;

} // namespace

TEST_CASE("a released frame serves the next of its size class") {
    if (!pooling) return;
    on_a_new_thread([] {
        void* const frame = allocate_frame(257);
        release_frame(frame, 257);
        CHECK(pooled_frame_bytes() == 264);
        void* const larger = allocate_frame(265);
        void* const again = allocate_frame(264);
        CHECK(again == frame);
        CHECK(larger != frame);
        CHECK(pooled_frame_bytes() == 0);
        release_frame(again, 264);
        release_frame(larger, 265);
    });
}

TEST_CASE("every size is writable to its end, aligned, and alone") {
    on_a_new_thread([] {
        std::mt19937 random(7);
        struct Frame {
            unsigned char* memory;
            std::size_t size;
            unsigned char pattern;
        };
        std::vector<Frame> frames;
        int damaged = 0;
        for (int i = 0; i < 20'000; ++i) {
            if (frames.size() < 200 && random() % 2 == 0) {
                const std::size_t size = random() % 2300;
                auto* const memory = static_cast<unsigned char*>(allocate_frame(size));
                if (reinterpret_cast<std::uintptr_t>(memory) % alignof(std::max_align_t) != 0)
                    ++damaged;
                const auto pattern = static_cast<unsigned char>(random());
                std::memset(memory, pattern, size);
                frames.push_back({memory, size, pattern});
            } else if (!frames.empty()) {
                std::swap(frames[random() % frames.size()], frames.back());
                const Frame frame = frames.back();
                frames.pop_back();
                for (std::size_t at = 0; at < frame.size; ++at)
                    if (frame.memory[at] != frame.pattern) ++damaged;
                release_frame(frame.memory, frame.size);
            }
        }
        for (const Frame& frame : frames) release_frame(frame.memory, frame.size);
        CHECK(damaged == 0);
    });
}

TEST_CASE("a thread keeps a bounded number of bytes") {
    if (!pooling) return;
    on_a_new_thread([] {
        std::vector<void*> frames;
        for (int i = 0; i < 2000; ++i) frames.push_back(allocate_frame(1000));
        std::size_t most = 0;
        for (void* const frame : frames) {
            release_frame(frame, 1000);
            most = std::max(most, pooled_frame_bytes());
        }
        CHECK(most <= frame_pool_limit_bytes);
        CHECK(most > frame_pool_limit_bytes - 1024);
    });
}

TEST_CASE("frames above the largest class are not kept") {
    on_a_new_thread([] {
        release_frame(allocate_frame(2049), 2049);
        release_frame(allocate_frame(std::size_t{1} << 20), std::size_t{1} << 20);
        CHECK(pooled_frame_bytes() == 0);
    });
}

TEST_CASE("a frame returns to the thread that frees it") {
    if (!pooling) return;
    void* frame = nullptr;
    on_a_new_thread([&] {
        frame = allocate_frame(500);
        CHECK(pooled_frame_bytes() == 0);
    });
    on_a_new_thread([&] {
        release_frame(frame, 500);
        CHECK(pooled_frame_bytes() == 504);
        CHECK(allocate_frame(500) == frame);
        release_frame(frame, 500);
    });
}

TEST_CASE("frames may die while their thread ends, before and after its lists") {
    for (const bool lists_first : {false, true}) {
        CAPTURE(lists_first);
        on_a_new_thread([=] {
            if (lists_first) release_frame(allocate_frame(100), 100);
            static thread_local const LateFrame late;
            CHECK(late.frame != nullptr);
            if (!lists_first) release_frame(allocate_frame(100), 100);
        });
    }
}

TEST_CASE("the sanitizer sees a frame that is used after its release") {
    if (pooling) return;
    const auto death = tidemill::support::death_of([] {
        auto* const frame = static_cast<volatile char*>(allocate_frame(100));
        release_frame(const_cast<char*>(frame), 100);
        frame[50] = 1;
    });
    CHECK(death.output.find("heap-use-after-free") != std::string::npos);
}
