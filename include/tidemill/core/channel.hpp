// Channel<T>: a bounded queue between tasks of one loop. Both ends wait: the sender while the
// channel is full, the receiver while it is empty.
//
// Two kinds of permits carry it, one for each free place and one for each queued item, so a send or
// receive that ends early in whatever way gives back what it was promised. Which item a receiver
// gets is decided when it runs: always the oldest.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <tidemill/core/error.hpp>
#include <tidemill/core/permits.hpp>
#include <tidemill/core/require.hpp>
#include <type_traits>

namespace tidemill {

template <class T> class Channel;
template <class T> class RemoteChannel;

/// Made by Channel::send().
template <class T> class [[nodiscard]] SendOperation final : private detail::PermitWait {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        if (channel_.is_closed()) return complete(frame.promise(), Errc::channel_closed);
        return start(frame.promise());
    }
    [[nodiscard]] Result<void> await_resume() {
        if (!take()) return failure(error().code());
        return channel_.sent(std::move(value_));
    }

private:
    friend Channel<T>;
    SendOperation(Channel<T>& channel, T&& value, Deadline deadline) noexcept
        : PermitWait(detail::SuspensionPoint::channel_send, channel.room_, deadline),
          channel_(channel), value_(std::move(value)) {}

    Channel<T>& channel_;
    T value_;
};

/// Made by Channel::receive().
template <class T> class [[nodiscard]] ReceiveOperation final : private detail::PermitWait {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <detail::TaskPromiseType Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        return start(frame.promise());
    }
    [[nodiscard]] Result<T> await_resume() {
        if (!take()) return failure(error().code());
        return channel_.received();
    }

private:
    friend Channel<T>;
    ReceiveOperation(Channel<T>& channel, Deadline deadline) noexcept
        : PermitWait(detail::SuspensionPoint::channel_receive, channel.items_, deadline),
          channel_(channel) {}

    Channel<T>& channel_;
};

/// Items arrive in the order in which their sends completed. Memory for `capacity` items is taken
/// at once. Belongs to no loop; destroying it destroys the queued items and ends all waits as
/// `cancelled`. Thread: that of its users (for others see RemoteChannel).
template <class T> class Channel {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "items are moved where nothing may fail");

public:
    /// `capacity` must not be zero: there is no hand-over without a queue.
    explicit Channel(std::size_t capacity)
        : capacity_(capacity), slots_(std::allocator<T>().allocate(capacity)), room_(capacity),
          items_(0) {
        TIDEMILL_REQUIRE(capacity > 0, "a Channel has room for at least one item");
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() {
        for (; size_ > 0; --size_) std::destroy_at(slots_ + std::exchange(first_, next(first_)));
        std::allocator<T>().deallocate(slots_, capacity_);
    }

    /// Queues `value`, or waits for room; the result is a Result<void>. No default deadline. On an
    /// error the value is destroyed with the operation, and nobody receives it.
    /// Errors: `Errc::channel_closed`, `Errc::deadline_expired`, `Errc::cancelled`.
    SendOperation<T> send(T value, Deadline deadline = {}) noexcept {
        return SendOperation<T>(*this, std::move(value), deadline);
    }
    /// Takes the oldest item, or waits for one; the result is a Result<T>. No default deadline. A
    /// receive that is cancelled, times out or is destroyed takes nothing.
    /// Errors: `Errc::channel_closed` once the channel is closed and empty,
    /// `Errc::deadline_expired`, `Errc::cancelled`.
    ReceiveOperation<T> receive(Deadline deadline = {}) noexcept {
        return ReceiveOperation<T>(*this, deadline);
    }
    /// Queues `value` if there is room and the channel is open; else the value is left as it is.
    template <class U>
    requires std::is_constructible_v<T, U&&>
    [[nodiscard]] bool try_send(U&& value) {
        if (is_closed_ || room_.available() == 0) return false;
        T item(std::forward<U>(value)); // may throw, so before the permit is taken
        if (room_.try_take()) put(std::move(item));
        return true;
    }
    /// The oldest item, unless all are promised to receivers that waited before.
    [[nodiscard]] std::optional<T> try_receive() noexcept {
        if (!items_.try_take()) return std::nullopt;
        return received();
    }
    /// Sends fail from now on, also those that wait. Receivers drain what is queued first.
    void close() noexcept {
        is_closed_ = true;
        room_.close(Errc::channel_closed);
        items_.close(Errc::channel_closed);
    }

    [[nodiscard]] bool is_closed() const noexcept { return is_closed_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    friend SendOperation<T>;
    friend ReceiveOperation<T>;
    friend RemoteChannel<T>;

    [[nodiscard]] std::size_t next(std::size_t index) const noexcept {
        return index + 1 == capacity_ ? 0 : index + 1;
    }
    void put(T&& value) noexcept {
        const std::size_t free = (first_ + size_) % capacity_;
        std::construct_at(slots_ + free, std::move(value));
        ++size_;
        items_.give(1);
    }
    Result<void> sent(T&& value) {
        if (is_closed_) return failure(Errc::channel_closed);
        put(std::move(value));
        return {};
    }
    T received() noexcept {
        T* const oldest = slots_ + std::exchange(first_, next(first_));
        T value = std::move(*oldest);
        std::destroy_at(oldest);
        --size_;
        room_.give(1);
        if (outside_places_ != nullptr) outside_places_->fetch_add(1);
        return value;
    }

    const std::size_t capacity_;
    T* const slots_; ///< a ring; `size_` items from `first_` on
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    bool is_closed_ = false;
    std::atomic<std::size_t>* outside_places_ = nullptr; ///< where senders of other threads look
    detail::Permits room_;
    detail::Permits items_;
};

} // namespace tidemill
