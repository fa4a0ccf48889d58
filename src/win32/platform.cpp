// What this platform offers: its selectors, the best first, and its clock.

#include "win32/platform.hpp"
#include "core/added_selectors.hpp"
#include "win32/iocp_selector.hpp"
#include "win32/select_selector.hpp"
#include "win32/wsapoll_selector.hpp"
#include <array>
#include <chrono>
#include <cstdlib>
#include <string>

namespace tidemill::detail {
namespace {

constexpr SelectorMaker makers[] = {
    {"iocp", [] { return make_iocp_selector(); }},
    {"wsapoll", make_wsapoll_selector},
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

// The performance counter, by way of the standard library; it is as cheap as any other clock here.
class SteadyClock final : public Clock {
public:
    Duration now() noexcept override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

} // namespace

std::span<const std::string_view> selector_names() noexcept { return names; }

Result<std::unique_ptr<Selector>> best_that_works(std::span<const SelectorMaker> candidates) {
    for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
        Result<std::unique_ptr<Selector>> made = candidates[i].make();
        if (!made) continue;
        (*made)->set_refused_before(i);
        return made;
    }
    Result<std::unique_ptr<Selector>> last = candidates.back().make();
    if (last) (*last)->set_refused_before(candidates.size() - 1);
    return last;
}

Result<std::unique_ptr<Selector>> make_selector(std::string_view name) {
    const char* const wanted = std::getenv("TIDEMILL_SELECTOR");
    if (name.empty() && wanted != nullptr) name = wanted;
    if (name.empty()) return best_that_works(makers);
    for (const SelectorMaker& maker : makers)
        if (maker.name == name) return maker.make();
    for (const AddedSelector* each = added_selectors(); each != nullptr; each = each->next)
        if (each->name == name) return each->make();
    return failure(unknown(name));
}

std::int64_t steady_coarse_ns() noexcept { return SteadyClock().now().count(); }

Clock& steady_clock() noexcept {
    static SteadyClock clock;
    return clock;
}

} // namespace tidemill::detail
