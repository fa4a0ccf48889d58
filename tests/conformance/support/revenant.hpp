// A source with its peer, and one whose socket lives on after it was closed.
#pragma once

#include "conformance/support/counting_source.hpp"

#include <string_view>

namespace tidemill::conformance {

struct Heard {
    explicit Heard(EventLoop& loop) : source(loop, std::move(pair.near)) {}
    UdpPair pair;
    CountingSource source;
    void is_sent() const {
        send_all(pair.far.get(), "x");
        await_readable(source.socket());
    }
};

inline bool has_epoll(const EventLoop& loop) {
    return std::string_view(loop.selector_name()) == "epoll";
}

/// A watched socket that was closed although a copy of its descriptor lives on, and is readable.
struct Revenant {
    explicit Revenant(EventLoop& loop) {
        Heard gone(loop);
        gone.source.want(detail::Interest::read);
        copy = copy_of(gone.source.socket(), 3);
        gone.source.close();
        send_all(gone.pair.far.get(), "x");
        await_readable(copy.get());
    }
    OwnedSocket copy;
};

} // namespace tidemill::conformance
