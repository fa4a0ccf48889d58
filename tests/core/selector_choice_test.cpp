// Which selector a loop gets when the better ones cannot be made.
#include "core/loop_core.hpp"
#include "core/selector_choice.hpp"
#include <doctest/doctest.h>

namespace tidemill {
namespace {

using detail::Selector;
using detail::SelectorMaker;
using Made = Result<std::unique_ptr<Selector>>;

Made refused() { return failure(std::errc::permission_denied); }
Made out_of_descriptors() { return failure(std::errc::too_many_files_open); }
Made the_last() { return detail::platform_selectors().back().make(); }

TEST_CASE("a selector that cannot be made gives way to the next, and is counted") {
    constexpr SelectorMaker makers[] = {
        {"first", refused}, {"second", out_of_descriptors}, {"third", the_last}};
    detail::Seams seams;
    seams.selector = or_throw(detail::best_that_works(makers));
    const std::string name = seams.selector->name();
    const EventLoop loop(std::make_unique<detail::LoopCore>(LoopOptions{}, std::move(seams)));
    CHECK(loop.selector_name() == name);
    CHECK(loop.counters().selector_fallbacks == 2);
}

TEST_CASE("a selector that was asked for by name is no fallback") {
    LoopOptions options;
    options.selector = detail::platform_selectors().back().name;
    CHECK(EventLoop(options).counters().selector_fallbacks == 0);
}

TEST_CASE("when no selector can be made, the last one says why") {
    constexpr SelectorMaker makers[] = {{"first", refused}, {"second", out_of_descriptors}};
    const Made made = detail::best_that_works(makers);
    REQUIRE_FALSE(made);
    CHECK(made.error() == std::errc::too_many_files_open);
}

} // namespace
} // namespace tidemill
