// The awaitables of UdpSocket, and what they give. Each lives in the waiting frame and is used by
// the socket in place.
#pragma once

#include <cstddef>
#include <span>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/lease_account.hpp>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/timed_operation.hpp>
#include <tidemill/net/endpoint.hpp>

namespace tidemill {

class UdpSocket;

/// A datagram whose bytes are leased from the loop's pool.
struct Datagram {
    Chunk payload;
    Endpoint sender;
    bool is_truncated = false; ///< it was longer than what is here; the rest is lost
};

/// A datagram whose bytes were put into the caller's memory.
struct ReceivedDatagram {
    std::size_t bytes = 0;
    Endpoint sender;
    bool is_truncated = false; ///< it was longer than what is here; the rest is lost
};

namespace detail {

/// A receive, as the socket sees it: it fills in a chunk, or the caller's memory.
class UdpReceiveRequest : public TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }

    [[nodiscard]] bool wants_chunk() const noexcept { return into_.data() == nullptr; }
    /// If it wants no chunk: where the bytes go.
    [[nodiscard]] std::span<std::byte> into() const noexcept { return into_; }
    /// What came; `bytes` of it, for who wants no chunk.
    void set_datagram(Chunk&& payload, std::size_t bytes, const Endpoint& sender,
                      bool is_truncated) noexcept {
        payload_ = std::move(payload);
        into_ = wants_chunk() ? into_ : into_.first(bytes);
        sender_ = sender;
        is_truncated_ = is_truncated;
    }
    [[nodiscard]] std::size_t size_bytes() const noexcept {
        return wants_chunk() ? payload_.size() : into_.size();
    }

protected:
    UdpReceiveRequest(UdpSocket& socket, Deadline deadline) noexcept
        : TimedOperation(SuspensionPoint::udp_receive, deadline), socket_(socket) {}
    UdpReceiveRequest(UdpSocket& socket, std::span<std::byte> into, Deadline deadline) noexcept;
    ~UdpReceiveRequest() = default;

    UdpSocket& socket_;
    std::span<std::byte> into_; ///< once received, what came; without memory: a chunk is wanted
    Chunk payload_;
    Endpoint sender_;
    bool is_truncated_ = false;

private:
    bool start(PromiseBase& waiter) noexcept;
    void on_timer() noexcept override;
};

} // namespace detail

/// Made by UdpSocket::receive().
class [[nodiscard]] UdpReceiveOperation final : public detail::UdpReceiveRequest {
public:
    [[nodiscard]] Result<Datagram> await_resume() noexcept {
        if (error()) return failure(error().code());
        return Datagram{std::move(payload_), sender_, is_truncated_};
    }

private:
    friend UdpSocket;
    UdpReceiveOperation(UdpSocket& socket, Deadline deadline) noexcept
        : UdpReceiveRequest(socket, deadline) {}
};

/// Made by UdpSocket::receive(span).
class [[nodiscard]] UdpReceiveIntoOperation final : public detail::UdpReceiveRequest {
public:
    [[nodiscard]] Result<ReceivedDatagram> await_resume() const noexcept {
        if (error()) return failure(error().code());
        return ReceivedDatagram{into_.size(), sender_, is_truncated_};
    }

private:
    friend UdpSocket;
    UdpReceiveIntoOperation(UdpSocket& socket, std::span<std::byte> into,
                            Deadline deadline) noexcept
        : UdpReceiveRequest(socket, into, deadline) {}
};

/// Made by UdpSocket::send().
class [[nodiscard]] UdpSendOperation final : public detail::TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    Result<void> await_resume() const;

private:
    friend UdpSocket;
    UdpSendOperation(UdpSocket& socket, std::span<const std::byte> bytes,
                     Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::udp_send, deadline), socket_(socket),
          bytes_(bytes) {}
    UdpSendOperation(UdpSocket& socket, std::span<const std::byte> bytes, const Endpoint& to,
                     Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::udp_send, deadline), socket_(socket),
          bytes_(bytes), to_(to), has_destination_(true) {}
    bool start(detail::PromiseBase& waiter) noexcept;

    UdpSocket& socket_;
    std::span<const std::byte> bytes_;
    Endpoint to_;
    bool has_destination_ = false;
};

} // namespace tidemill
