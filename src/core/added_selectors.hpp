// Selectors that come with a library of their own, beside those of the platform: linking it adds
// its selector to what make_selector() knows.
//
// The list may grow while static objects are constructed, in any order, so it needs no constructor
// itself: it is one pointer, and its entries lie with those who add them.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

/// A selector's maker; lives for ever.
struct AddedSelector {
    std::string_view name;
    Result<std::unique_ptr<Selector>> (*make)();
    AddedSelector* next = nullptr; ///< only add_selector() writes here
};

/// Makes the selector known by its name. Adding an entry again changes nothing. Any thread.
void add_selector(AddedSelector& entry) noexcept;
/// The first of those that were added; null: none.
[[nodiscard]] AddedSelector* added_selectors() noexcept;

} // namespace tidemill::detail
