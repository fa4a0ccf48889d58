#include "core/selector_choice.hpp"
#include "core/added_selectors.hpp"
#include <cstdlib>
#include <string>

namespace tidemill::detail {
namespace {

Error unknown(std::string_view name) {
    std::string known;
    for (const SelectorMaker& each : platform_selectors())
        known += (known.empty() ? "" : ", ") + std::string(each.name);
    for (const AddedSelector* each = added_selectors(); each != nullptr; each = each->next)
        known += ", " + std::string(each->name);
    return {make_error_code(Errc::unknown_selector),
            "selector '" + std::string(name) + "' (this platform has: " + known + ")"};
}

} // namespace

Result<std::unique_ptr<Selector>> best_that_works(std::span<const SelectorMaker> makers) {
    Result<std::unique_ptr<Selector>> made = makers[0].make();
    std::size_t refused = 0;
    while (!made && refused + 1 < makers.size()) made = makers[++refused].make();
    if (made) (*made)->set_refused_before(refused);
    return made;
}

Result<std::unique_ptr<Selector>> make_selector(std::string_view name) {
    const char* const wanted = std::getenv("TIDEMILL_SELECTOR");
    if (name.empty() && wanted != nullptr) name = wanted;
    if (name.empty()) return best_that_works(platform_selectors());
    for (const SelectorMaker& maker : platform_selectors())
        if (maker.name == name) return maker.make();
    for (const AddedSelector* each = added_selectors(); each != nullptr; each = each->next)
        if (each->name == name) return each->make();
    return failure(unknown(name));
}

} // namespace tidemill::detail
