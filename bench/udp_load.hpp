// The load on a UDP echo server: what to send.
#pragma once

#include "load_client.hpp"

namespace tidemill_bench {

struct UdpLoadOptions : LoadOptions {
    std::size_t window = 64;
    bool uses_gso = false;
};

[[nodiscard]] LoadReport run_udp_load(const UdpLoadOptions& options);

} // namespace tidemill_bench
