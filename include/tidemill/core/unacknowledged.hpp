// What a stream, or the system, knows about output that is on its way.
#pragma once

#include <cstdint>
#include <tidemill/core/packed_error.hpp>

namespace tidemill::detail {

/// At one moment.
struct Unacknowledged {
    std::uint64_t bytes = 0;
    bool is_over = false; ///< no acknowledgement will come any more
    std::int64_t round_trip_ns = 0;
    PackedError error; ///< why nothing is known
};

} // namespace tidemill::detail
