// A source below the stream: it only counts what the loop tells it. Streams would not notice an
// event that was meant for another, since a receive in vain is harmless to them.
#pragma once

#include "conformance/support/loopback.hpp"
#include "core/loop_core.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <tidemill/core/event_loop.hpp>

namespace tidemill::conformance {

class CountingSource final : public detail::Source {
public:
    CountingSource(EventLoop& loop, OwnedSocket socket)
        : loop_(&loop.core()), socket_(std::move(socket)), slot_(loop_->attach(*this)) {}
    CountingSource(const CountingSource&) = delete;
    CountingSource& operator=(const CountingSource&) = delete;
    ~CountingSource() { close(); }

    void want(detail::Interest wanted) {
        REQUIRE_FALSE(bool(loop_->watch(slot_, socket_.get(), interest_, wanted)));
    }
    /// Leaves the loop, as a stream does.
    void close() noexcept {
        if (loop_ == nullptr) return;
        loop_->closing(slot_, socket_.get(), interest_, true);
        socket_.close();
        loop_->detach(slot_);
        loop_ = nullptr;
    }

    void abandon(detail::Operation&) noexcept override {} // nobody waits
    void on_readable() noexcept override {
        ++readable;
        if (then) std::exchange(then, nullptr)();
    }
    void on_writable() noexcept override { ++writable; }
    void on_loop_gone() noexcept override { close(); }

    [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
    [[nodiscard]] NativeSocket socket() const noexcept { return socket_.get(); }

    int readable = 0;
    int writable = 0;
    std::function<void()> then; ///< run once, by the first on_readable()

private:
    detail::LoopCore* loop_;
    OwnedSocket socket_;
    std::uint32_t slot_;
    detail::Interest interest_ = detail::Interest::none;
};

/// Turns without waiting.
inline void turn(EventLoop& loop, int times) {
    for (int i = 0; i < times; ++i) loop.run_once(Duration::zero());
}

} // namespace tidemill::conformance
