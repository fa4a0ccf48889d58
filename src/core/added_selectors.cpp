#include "core/added_selectors.hpp"
#include <atomic>
#include <mutex>

namespace tidemill::detail {
namespace {

constinit std::atomic<AddedSelector*> first{nullptr};

} // namespace

void add_selector(AddedSelector& entry) noexcept {
    static std::mutex adding; // made at its first use, which may be before any other object's
    const std::lock_guard lock(adding);
    for (const AddedSelector* each = first.load(); each != nullptr; each = each->next)
        if (each == &entry) return;
    entry.next = first.load();
    first.store(&entry);
}

AddedSelector* added_selectors() noexcept { return first.load(); }

} // namespace tidemill::detail
