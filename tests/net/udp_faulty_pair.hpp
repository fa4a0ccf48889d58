// Two UDP sockets of a loop whose socket calls are the test's own.
#pragma once

#include "core/loop_core.hpp"
#include "net/udp_support.hpp"

namespace tidemill::udp_test {

template <class Sockets> struct PairOver {
    explicit PairOver(Clock* clock = nullptr) : loop(make_core(sockets, clock)) {}
    static std::unique_ptr<detail::LoopCore> make_core(Sockets& sockets, Clock* clock) {
        LoopOptions options;
        options.clock = clock;
        detail::Seams seams;
        seams.sockets = &sockets;
        return std::make_unique<detail::LoopCore>(options, std::move(seams));
    }

    Sockets sockets;
    EventLoop loop;
    SocketPointer near = or_throw(UdpSocket::bind(loop, any_port_v4));
    SocketPointer far = or_throw(UdpSocket::bind(loop, any_port_v4));
};

} // namespace tidemill::udp_test
