// Destroys each thing that a wait depends on, at every suspension point there is.
//
// A task is brought to the point, which is asserted by asking its promise. Then one victim goes, in
// a run of its own, and the loop turns on for a long time. Whatever was touched after it was freed
// is found by AddressSanitizer; that nobody is resumed who should not be, and that everybody is who
// should, is checked here.
#include "core/loop_core.hpp"
#include "destruction/worlds.hpp"
#include <algorithm>
#include <cstdio>
#include <vector>

namespace tidemill::destruction {
namespace {

// Owns the waiting task, as a scope would, and knows its promise.
class Watcher final : private detail::TaskOwner, private detail::LoopMember {
public:
    explicit Watcher(World& world) : TaskOwner(&world.fixture->loop.core()) {
        loop_->add_member(*this);
        root_ = std::move(watch(world)).release();
        root_->start_root(*this);
    }
    ~Watcher() {
        destroy();
        if (loop_ != nullptr) loop_->remove_member(*this);
    }
    [[nodiscard]] SuspensionPoint point() {
        detail::Operation* const operation =
            root_ != nullptr ? root_->awaited_operation() : nullptr;
        return operation != nullptr ? operation->point() : SuspensionPoint::count_;
    }
    void destroy() noexcept {
        if (root_ != nullptr) std::exchange(root_, nullptr)->destroy();
    }

private:
    static Task<void> watch(World& world) {
        world.outcome = co_await world.wait();
        ++world.times_resumed;
    }
    void child_stopped(detail::PromiseBase&) noexcept override { destroy(); }
    void child_failed(std::exception_ptr) noexcept override { FAIL("a task threw"); }
    void on_loop_gone() noexcept override { loop_is_gone(); }

    detail::PromiseBase* root_ = nullptr;
};

void let_time_pass(World& world) {
    world.fixture->settle();
    world.fixture->advance(std::chrono::hours(1));
    world.fixture->settle();
}

struct Run {
    std::unique_ptr<World> world;
    Watcher watcher;
    explicit Run(const Case& c) : world(c.make()), watcher(*world) {
        REQUIRE(detail::name_of(watcher.point()) == std::string(detail::name_of(c.point)));
    }
};

void destroy_task(const Case& c) {
    Run run(c);
    run.watcher.destroy();
    let_time_pass(*run.world);
    CHECK(run.world->times_resumed == 0);
}

void destroy_object(const Case& c) {
    Run run(c);
    run.world->destroy_object();
    CHECK(run.world->times_resumed == 0); // not inside the destructor
    let_time_pass(*run.world);
    CHECK(run.world->times_resumed == 1);
    CHECK(run.world->outcome == make_error_code(Errc::cancelled));
}

void destroy_object_then_task(const Case& c) {
    Run run(c);
    run.world->destroy_object();
    run.watcher.destroy();
    let_time_pass(*run.world);
    CHECK(run.world->times_resumed == 0);
}

void destroy_loop_then_task(const Case& c) {
    Run run(c);
    run.world->before_loop_goes();
    run.world->fixture.reset();
    run.watcher.destroy();
    run.world->destroy_object();
    CHECK(run.world->times_resumed == 0);
}

void destroy_loop_then_object(const Case& c) {
    Run run(c);
    run.world->before_loop_goes();
    run.world->fixture.reset();
    run.world->destroy_object();
    run.watcher.destroy();
    CHECK(run.world->times_resumed == 0);
}

void let_timer_fire(const Case& c) {
    Run run(c);
    run.world->fixture->advance(World::limit - 1s);
    CHECK(run.world->times_resumed == 0);
    let_time_pass(*run.world);
    CHECK(run.world->times_resumed == 1);
    const bool is_sleep = c.point == SuspensionPoint::sleep;
    CHECK(run.world->outcome ==
          (is_sleep ? std::error_code() : make_error_code(Errc::deadline_expired)));
}

struct Victim {
    const char* name;
    void (*destroy)(const Case&);
    bool needs_object;
    bool needs_deadline;
};

constexpr Victim victims[] = {
    {"the task", destroy_task, false, false},
    {"the object", destroy_object, true, false},
    {"the object, then the task", destroy_object_then_task, true, false},
    {"the loop, then the task", destroy_loop_then_task, false, false},
    {"the loop, then the object", destroy_loop_then_object, false, false},
    {"the wait, by its timer", let_timer_fire, false, true},
};

std::vector<Case> all_cases() {
    std::vector<Case> all;
    for (const auto cases : {stream_cases(), core_cases(), sync_cases(), io_cases(), tls_cases()})
        all.insert(all.end(), cases.begin(), cases.end());
    return all;
}

TEST_CASE("every suspension point has a case") {
    const std::vector<Case> cases = all_cases();
    for (std::size_t i = 0; i < detail::suspension_point_count; ++i) {
        const auto point = static_cast<SuspensionPoint>(i);
        CAPTURE(detail::name_of(point));
        const bool has_case = std::ranges::find(cases, point, &Case::point) != cases.end();
        const bool is_absent =
            point == SuspensionPoint::watch && !support::os_facts().watches_foreign_sockets;
        CHECK(has_case != is_absent);
    }
}

TEST_CASE("destroying anything at any suspension point touches nothing that is gone") {
    std::vector<SuspensionPoint> points;
    int runs = 0;
    for (const Case& c : all_cases()) {
        if (std::ranges::find(points, c.point) == points.end()) points.push_back(c.point);
        for (const Victim& victim : victims) {
            if (victim.needs_object && !c.has_object) continue;
            if (victim.needs_deadline && !c.has_deadline) continue;
            const std::string title =
                std::string(detail::name_of(c.point)) + ", " + c.name + ": destroy " + victim.name;
            CAPTURE(title);
            victim.destroy(c);
            ++runs;
        }
    }
    std::printf("destruction: %zu points x %zu victims, %d runs\n", points.size(),
                std::size(victims), runs);
}

} // namespace
} // namespace tidemill::destruction
