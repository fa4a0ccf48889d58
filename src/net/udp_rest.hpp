// Datagrams that the kernel has handed over together, for receives that take one at a time.
#pragma once

#include <tidemill/net/udp_socket.hpp>

namespace tidemill {

struct UdpSocket::Rest {
    ReceiveBatch batch{1};
    ReceiveBatch::Iterator next = batch.end();
};

} // namespace tidemill
