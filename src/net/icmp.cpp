#include <tidemill/net/icmp.hpp>

namespace tidemill {

std::string IcmpReport::to_string() const {
    std::string line = "a datagram";
    if (peer != Endpoint()) line += " to " + peer.to_string();
    line += " did not arrive";
    if (origin != Origin::untold) {
        line += origin == Origin::icmp ? " (ICMP type " : " (ICMPv6 type ";
        line += std::to_string(type) + " code " + std::to_string(code);
        if (reporter != IpAddress()) line += " from " + reporter.to_string();
        line += ')';
    }
    return line;
}

} // namespace tidemill
