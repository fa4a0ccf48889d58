// The limit of descriptors, for tests of what happens when there are none.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>

namespace tidemill::support {

/// The soft limit of descriptors, lowered while this lives.
class LoweredLimit {
public:
    explicit LoweredLimit(rlim_t limit) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit lowered = before_;
        lowered.rlim_cur = limit;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    }
    LoweredLimit(const LoweredLimit&) = delete;
    LoweredLimit& operator=(const LoweredLimit&) = delete;
    ~LoweredLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

} // namespace tidemill::support
