// What a loop flushes before it waits, in steps 1 and 9 of a turn.
#pragma once

namespace tidemill::detail {

/// Where a Gathering hangs in the loop's ring; only the loop writes here.
struct GatheringPlace {
    GatheringPlace* next = nullptr; ///< null: in no ring
    GatheringPlace* previous = nullptr;
};
/// What gathers output during a turn and sends it at the turn's end, in steps 1 and 9.
class Gathering : public GatheringPlace {
public:
    Gathering() noexcept = default;
    Gathering(const Gathering&) = delete;
    Gathering& operator=(const Gathering&) = delete;
    /// Sends what was gathered; resumes nobody. The object is in no list any more.
    virtual void flush() noexcept = 0;
    void stop_gathering() noexcept;

protected:
    ~Gathering() { stop_gathering(); }
};

} // namespace tidemill::detail
