// What one stream leases from the loop's chunk pool.
//
// An idle stream must cost nearly nothing and its chunks may outlive it, so the account is one
// pointer, null while nothing is leased, to a record of the pool that the leases refer to. Record
// and account know each other and whoever goes first tells the other.
#pragma once

#include <cstddef>
#include <utility>

namespace tidemill::detail {

class LeaseAccount;

/// The pool's side of an account. It exists while at least one lease does.
struct LeaseRecord {
    LeaseAccount* owner = nullptr; ///< null once the stream is gone
    std::size_t leased_bytes = 0;
    bool refused = false; ///< a receive was refused since the last retry
    LeaseRecord* next_free = nullptr;
};

/// A stream's account. Moves with its stream. Thread: the loop's own.
class LeaseAccount {
public:
    LeaseAccount() = default;
    LeaseAccount(LeaseAccount&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {
        if (record_ != nullptr) record_->owner = this;
    }
    LeaseAccount& operator=(LeaseAccount&& other) noexcept {
        if (this == &other) return *this;
        if (record_ != nullptr) record_->owner = nullptr;
        record_ = std::exchange(other.record_, nullptr);
        if (record_ != nullptr) record_->owner = this;
        return *this;
    }
    ~LeaseAccount() {
        if (record_ != nullptr) record_->owner = nullptr;
    }

    [[nodiscard]] std::size_t leased_bytes() const noexcept {
        return record_ == nullptr ? 0 : record_->leased_bytes;
    }

private:
    friend class ChunkPool;

    LeaseRecord* record_ = nullptr;
};

} // namespace tidemill::detail
