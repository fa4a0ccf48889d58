// What this platform offers: its selectors, the best first, and its clock.

#include "core/added_selectors.hpp"
#include "core/selector.hpp"
#include "posix/poll_selector.hpp"
#include "posix/select_selector.hpp"
#ifdef __linux__
#include "posix/epoll_selector.hpp"
#endif
#include <array>
#include <cstdlib>
#include <string>
#include <time.h>

namespace tidemill::detail {
namespace {

struct Maker {
    std::string_view name;
    Result<std::unique_ptr<Selector>> (*make)();
};

constexpr Maker makers[] = {
#ifdef __linux__
    {"epoll", make_epoll_selector},
#endif
    {"poll", make_poll_selector},
    {"select", make_select_selector},
};
constexpr std::size_t maker_count = std::size(makers);

constexpr std::array<std::string_view, maker_count> names = [] {
    std::array<std::string_view, maker_count> result;
    for (std::size_t i = 0; i < maker_count; ++i) result[i] = makers[i].name;
    return result;
}();

Error unknown(std::string_view name) {
    std::string known;
    for (const std::string_view each : names)
        known += (known.empty() ? "" : ", ") + std::string(each);
    for (const AddedSelector* each = added_selectors(); each != nullptr; each = each->next)
        known += ", " + std::string(each->name);
    return {make_error_code(Errc::unknown_selector),
            "selector '" + std::string(name) + "' (this platform has: " + known + ")"};
}

Result<std::unique_ptr<Selector>> best_that_works() {
    Result<std::unique_ptr<Selector>> made = makers[0].make();
    for (std::size_t i = 1; i < maker_count && !made; ++i) made = makers[i].make();
    return made;
}

class SteadyClock final : public Clock {
public:
    Duration now() noexcept override { return read(CLOCK_MONOTONIC); }
#ifdef CLOCK_MONOTONIC_COARSE
    // A quarter of the price, since it does not ask the processor's counter; it moves every few
    // milliseconds.
    Duration coarse_now() noexcept override { return read(CLOCK_MONOTONIC_COARSE); }
#endif

private:
    static Duration read(clockid_t clock) noexcept {
        timespec time{};
        ::clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
};

} // namespace

std::span<const std::string_view> selector_names() noexcept { return names; }

Result<std::unique_ptr<Selector>> make_selector(std::string_view name) {
    const char* const wanted = std::getenv("TIDEMILL_SELECTOR");
    if (name.empty() && wanted != nullptr) name = wanted;
    if (name.empty()) return best_that_works();
    for (const Maker& maker : makers)
        if (maker.name == name) return maker.make();
    for (const AddedSelector* each = added_selectors(); each != nullptr; each = each->next)
        if (each->name == name) return each->make();
    return failure(unknown(name));
}

std::int64_t steady_coarse_ns() noexcept { return SteadyClock().coarse_now().count(); }

Clock& steady_clock() noexcept {
    static SteadyClock clock;
    return clock;
}

} // namespace tidemill::detail
