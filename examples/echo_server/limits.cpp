#include "echo_server/limits.hpp"
#include <tidemill/net/end_report.hpp>

namespace echo_server {

SharedLimits::Place::Place(SharedLimits& limits, const tidemill::Stream& peer) : limits_(limits) {
    if (limits.per_address_ != 0) {
        const auto report = peer.end_report();
        if (report.peer) address_ = report.peer->address().unmapped().to_string();
    }
    is_taken_ = limits.enter(address_);
}

SharedLimits::Place::~Place() {
    if (is_taken_) limits_.leave(address_);
}

bool SharedLimits::enter(const std::string& address) {
    const std::lock_guard lock(mutex_);
    bool has_room = connections_ == 0 || active_ < connections_;
    if (has_room && per_address_ != 0) {
        const auto known = addresses_.find(address);
        has_room = known == addresses_.end() || known->second < per_address_;
        if (has_room) ++addresses_[address];
    }
    if (has_room)
        ++active_;
    else
        ++refused_;
    return has_room;
}

void SharedLimits::leave(const std::string& address) {
    const std::lock_guard lock(mutex_);
    --active_;
    if (per_address_ == 0) return;
    const auto known = addresses_.find(address);
    if (--known->second == 0) addresses_.erase(known);
}

std::uint64_t SharedLimits::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

} // namespace echo_server
