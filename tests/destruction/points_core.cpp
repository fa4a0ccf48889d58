// The points of tasks and time.
#include "destruction/worlds.hpp"
#include <tidemill/core/sleep.hpp>

namespace tidemill::destruction {
namespace {

struct Sleep final : World {
    Task<std::error_code> wait() override { co_return code_of(co_await sleep(limit)); }
};

struct Yield final : World {
    Task<std::error_code> wait() override { co_return code_of(co_await sleep(0s)); }
};

class Join final : public World {
public:
    Join() { scope->spawn(sleeping()); }
    Task<std::error_code> wait() override { co_return code_of(co_await scope->join()); }
    void destroy_object() override { scope.reset(); }

private:
    static Task<void> sleeping() { static_cast<void>(co_await sleep(std::chrono::hours(48))); }
    std::optional<TaskScope> scope{std::in_place, fixture->loop};
};

constexpr Case cases[] = {
    {SuspensionPoint::sleep, "sleep", make_world<Sleep>, false, true},
    {SuspensionPoint::yield, "sleep(0)", make_world<Yield>, false, false},
    {SuspensionPoint::join, "scope", make_world<Join>, true, false},
};

} // namespace

std::span<const Case> core_cases() { return cases; }

} // namespace tidemill::destruction
