// Operations of a TlsConnection on the stream below it, and who is told when they end.
//
// An operation resumes a coroutine when it ends. A connection is no coroutine but a state machine,
// so each direction has one coroutine for its whole life that does nothing but call the machine:
// no operation needs a frame of its own.
#pragma once

#include "core/loop_core.hpp"
#include <tidemill/core/promise.hpp>
#include <tidemill/net/stream.hpp>

namespace tidemill::detail {

class TlsConnection;

class InnerPump {
public:
    using Step = void (TlsConnection::*)() noexcept;

    InnerPump() = default;
    InnerPump(const InnerPump&) = delete;
    InnerPump& operator=(const InnerPump&) = delete;
    ~InnerPump() = default;

    /// `step` is called whenever an operation that was started with this pump ends, and may destroy
    /// the connection. Throws std::bad_alloc.
    void start(TlsConnection& connection, Step step, TaskOwner& owner);
    /// No call follows; also from inside `step`.
    void stop(LoopCore* loop) noexcept;
    [[nodiscard]] PromiseBase& promise() noexcept { return *promise_; }

private:
    PromiseBase* promise_ = nullptr;
};

/// A read into a chunk.
class InnerRead final : public ReadRequest {
public:
    InnerRead(Stream& inner, Deadline deadline) noexcept : ReadRequest(inner, deadline) {}
    /// True if it waits.
    [[nodiscard]] bool start(InnerPump& pump) noexcept {
        return await_suspend(pump.promise().frame());
    }
};

/// A write whose only limit is that of a stalled one.
class InnerWrite final : public WriteRequest {
public:
    InnerWrite(Stream& inner, std::span<const std::byte> bytes) noexcept
        : WriteRequest(inner, bytes, Deadline()) {}
    [[nodiscard]] bool start(InnerPump& pump) noexcept {
        return await_suspend(pump.promise().frame());
    }
};

} // namespace tidemill::detail
