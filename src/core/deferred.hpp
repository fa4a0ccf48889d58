// Work that a loop does in step 7 of a turn, for objects that may leave before.
#pragma once

#include <cstddef>
#include <vector>

namespace tidemill::detail {

class Deferred;

/// Work that is finished off the dispatch path, in step 7, by an object that may leave before.
/// In-memory streams use it: nobody is resumed inside a call made by user code.
struct DeferredPlace {
    std::vector<Deferred*>* list = nullptr; ///< where it waits, at `index`
    std::size_t index = 0;
};
class Deferred : private DeferredPlace {
public:
    Deferred() noexcept = default;
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;
    [[nodiscard]] bool is_deferred() const noexcept { return list != nullptr; }
    void join(std::vector<Deferred*>& waiting);
    /// The list was moved as a whole.
    void list_is_now(std::vector<Deferred*>* waiting) noexcept { list = waiting; }
    void leave() noexcept;
    /// This object may be gone when the call returns.
    virtual void run_deferred() noexcept = 0;

protected:
    ~Deferred() { leave(); }
};

} // namespace tidemill::detail
