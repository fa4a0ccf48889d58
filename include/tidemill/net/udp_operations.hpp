// The awaitables of UdpSocket. Each lives in the waiting frame and is used by the socket in place.
#pragma once

#include <cstddef>
#include <span>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/timed_operation.hpp>
#include <tidemill/net/datagram.hpp>
#include <tidemill/net/datagram_batch.hpp>
#include <tidemill/net/send_batch.hpp>

namespace tidemill {

class UdpSocket;

namespace detail {

/// A receive, as the socket sees it: each kind asks for what it wants.
class UdpReceiveRequest : public TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    /// Takes what is there; operation_would_block if there is nothing.
    [[nodiscard]] virtual PackedError take() noexcept = 0;
    /// What was taken, for the turn's budget.
    [[nodiscard]] virtual std::size_t count() const noexcept { return 1; }
    [[nodiscard]] virtual std::size_t size_bytes() const noexcept = 0;
    /// The error is about an earlier datagram of ours.
    void set_is_icmp() noexcept { extra_ = 1; }

protected:
    UdpReceiveRequest(SuspensionPoint point, UdpSocket& socket, Deadline deadline) noexcept
        : TimedOperation(point, deadline), socket_(socket) {}
    ~UdpReceiveRequest() = default;
    /// The error, with what is known of the datagram that it is about.
    [[nodiscard]] TIDEMILL_COLD tl::unexpected<Error> explained() const noexcept;

    UdpSocket& socket_;

private:
    bool start(PromiseBase& waiter) noexcept;
    void on_timer() noexcept override;
};

} // namespace detail

/// Made by UdpSocket::receive().
class [[nodiscard]] UdpReceiveOperation final : public detail::UdpReceiveRequest {
public:
    [[nodiscard]] Result<Datagram> await_resume() noexcept {
        if (error()) return explained();
        return std::move(datagram_);
    }
    [[nodiscard]] detail::PackedError take() noexcept override;
    [[nodiscard]] std::size_t size_bytes() const noexcept override {
        return datagram_.payload.size();
    }

private:
    friend UdpSocket;
    UdpReceiveOperation(UdpSocket& socket, Deadline deadline) noexcept
        : UdpReceiveRequest(detail::SuspensionPoint::udp_receive, socket, deadline) {}
    Datagram datagram_;
};

/// Made by UdpSocket::receive(span).
class [[nodiscard]] UdpReceiveIntoOperation final : public detail::UdpReceiveRequest {
public:
    [[nodiscard]] Result<ReceivedDatagram> await_resume() const noexcept {
        if (error()) return explained();
        return datagram_;
    }
    [[nodiscard]] detail::PackedError take() noexcept override;
    [[nodiscard]] std::size_t size_bytes() const noexcept override { return datagram_.bytes; }

private:
    friend UdpSocket;
    UdpReceiveIntoOperation(UdpSocket& socket, std::span<std::byte> into,
                            Deadline deadline) noexcept;
    std::span<std::byte> into_;
    ReceivedDatagram datagram_;
};

/// Made by UdpSocket::receive_many().
class [[nodiscard]] UdpReceiveManyOperation final : public detail::UdpReceiveRequest {
public:
    /// Out of line: inlined, GCC 12 spoils the results of some coroutines that await it.
    [[nodiscard]] Result<std::size_t> await_resume() const noexcept;
    [[nodiscard]] detail::PackedError take() noexcept override;
    [[nodiscard]] std::size_t count() const noexcept override { return batch_.size(); }
    [[nodiscard]] std::size_t size_bytes() const noexcept override { return batch_.size_bytes(); }

private:
    friend UdpSocket;
    UdpReceiveManyOperation(UdpSocket& socket, ReceiveBatch& batch, Deadline deadline) noexcept
        : UdpReceiveRequest(detail::SuspensionPoint::udp_receive_many, socket, deadline),
          batch_(batch) {
        batch.clear();
    }
    ReceiveBatch& batch_;
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

/// Made by UdpSocket::send_many().
class [[nodiscard]] UdpSendManyOperation final : public detail::TimedOperation {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    SendOutcome await_resume() const noexcept;
    ~UdpSendManyOperation() { leave(); }

private:
    friend UdpSocket;
    friend detail::UdpOutput;
    /// How far the batch has been sent.
    struct Place {
        std::uint32_t datagram = 0; ///< of the whole batch
        std::uint32_t run = 0;
        std::uint32_t within_run = 0; ///< datagrams
        std::uint32_t piece = 0;
        std::uint32_t within_piece = 0; ///< bytes
    };
    UdpSendManyOperation(UdpSocket& socket, const SendBatch& batch, Deadline deadline) noexcept
        : TimedOperation(detail::SuspensionPoint::udp_send_many, deadline), socket_(socket),
          batch_(batch) {}
    bool start(detail::PromiseBase& waiter) noexcept;

    UdpSocket& socket_;
    const SendBatch& batch_;
    UdpSendManyOperation* next_ = nullptr; ///< of the same socket, behind this one
    SendOutcome outcome_;
    Place place_;
    std::uint32_t uncut_run_ = ~std::uint32_t{0}; ///< which is to be sent one by one
    bool has_retried_ = false;
};

} // namespace tidemill
