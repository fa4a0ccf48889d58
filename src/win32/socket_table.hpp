// What a selector that asks for all sockets at once knows of them: a dense array, and the place of
// each socket in it. Place 0 is the waker's.
#pragma once

#include "core/selector.hpp"
#include <new>
#include <unordered_map>
#include <vector>

namespace tidemill::detail {

/// `Entry` has members `socket`, `interest` and `token`.
template <class Entry> class SocketTable {
public:
    static constexpr std::size_t nowhere = 0; // the waker's place is no socket's

    explicit SocketTable(NativeSocket waker) : entries_(1) { entries_[0].socket = waker; }

    [[nodiscard]] std::size_t place_of(NativeSocket socket) const noexcept {
        const auto found = places_.find(socket);
        return found == places_.end() ? nowhere : found->second;
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) noexcept {
        if (socket == invalid_socket) return std::errc::bad_file_descriptor;
        if (place_of(socket) != nowhere || socket == entries_[0].socket)
            return std::errc::file_exists;
        try {
            if (entries_.size() == entries_.capacity()) entries_.reserve(2 * entries_.size());
            places_.emplace(socket, entries_.size());
        } catch (const std::bad_alloc&) {
            return std::errc::not_enough_memory;
        }
        Entry& entry = entries_.emplace_back();
        entry.socket = socket;
        entry.interest = interest;
        entry.token = token;
        return {};
    }

    /// The last entry moves into the hole.
    void remove(std::size_t place) noexcept {
        const NativeSocket socket = entries_[place].socket;
        entries_[place] = entries_.back();
        places_[entries_[place].socket] = place;
        places_.erase(socket); // second: it may be the last itself
        entries_.pop_back();
    }

    [[nodiscard]] Entry& operator[](std::size_t place) noexcept { return entries_[place]; }
    /// With the waker.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Calls `take(entry)` for one entry after the other, beginning behind the last one of the
    /// scan before, so that whoever did not fit then comes first now; until `take` answers false.
    template <class Take> void scan(Take take) noexcept {
        for (std::size_t seen = 1; seen < entries_.size(); ++seen) {
            if (next_ >= entries_.size()) next_ = 1;
            if (!take(entries_[next_])) return;
            ++next_;
        }
    }

private:
    std::vector<Entry> entries_;
    std::unordered_map<NativeSocket, std::size_t> places_;
    std::size_t next_ = 1; ///< where the scan goes on
};

} // namespace tidemill::detail
