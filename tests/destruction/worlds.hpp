// For the destruction suite: a world in which a task waits at one suspension point.
#pragma once

#include "core/suspension_points.hpp"
#include "support/stream_pairs.hpp"
#include <memory>
#include <span>
#include <tidemill/core/loop_member.hpp>

namespace tidemill::destruction {

using namespace std::chrono_literals;
using detail::SuspensionPoint;

/// What `wait()` gave, as a plain code.
template <class Value> std::error_code code_of(const Result<Value>& result) {
    return result ? std::error_code() : result.error().code();
}

class World {
public:
    explicit World(const LoopOptions& options = {}) : fixture(std::in_place, options) {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    /// Brings the awaiting task to the point at once; with a deadline of `limit` if it takes one.
    virtual Task<std::error_code> wait() = 0;
    /// Destroys what is waited on; it must stand the call after the loop has gone.
    virtual void destroy_object() {}
    /// The loop is about to be destroyed: ends what its end would wait for.
    virtual void before_loop_goes() {}

    static constexpr Duration limit = 10s;
    std::optional<support::LoopFixture> fixture;
    int times_resumed = 0;
    std::error_code outcome;
};

/// The cases of one point; a new kind of operation gets one here, in points_*.cpp.
struct Case {
    SuspensionPoint point;
    const char* name;
    std::unique_ptr<World> (*make)();
    bool has_object = true; ///< something other than the task can be destroyed
    bool has_deadline = true;
};

template <class W> std::unique_ptr<World> make_world() { return std::make_unique<W>(); }

[[nodiscard]] std::span<const Case> stream_cases();
[[nodiscard]] std::span<const Case> core_cases();

[[nodiscard]] std::span<const Case> sync_cases();
[[nodiscard]] std::span<const Case> io_cases();
[[nodiscard]] std::span<const Case> tls_cases();

/// For operations that never wait for anybody, but may have to wait for the task's next turn.
inline LoopOptions one_operation_a_turn() {
    LoopOptions options;
    options.operations_per_turn = 1;
    return options;
}

} // namespace tidemill::destruction
