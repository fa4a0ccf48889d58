// RemoteChannel<T>: a bounded queue into a loop from other threads.
//
// The bound is kept by the senders: they count the free places in an atomic, and the receiver gives
// places back. So a sender knows at once whether it is too fast, and what it has posted always
// finds room in the Channel at the other end.
#pragma once

#include <atomic>
#include <memory>
#include <tidemill/core/channel.hpp>
#include <tidemill/core/event_loop.hpp>

namespace tidemill {

template <class T> class RemoteChannel;

namespace detail {

template <class T> struct RemoteQueue {
    RemoteQueue(Channel<T>& channel_, std::size_t places)
        : channel(&channel_), free_places(places) {}

    [[nodiscard]] bool take_place() noexcept {
        std::size_t free = free_places.load();
        while (free > 0 && !free_places.compare_exchange_weak(free, free - 1)) {
        }
        return free > 0;
    }
    Channel<T>* channel; ///< touched by the loop's thread only; null once it is gone
    std::atomic<std::size_t> free_places;
    std::atomic<bool> is_open{true};
};

} // namespace detail

/// Copyable, and may outlive the channel and the loop. Thread: any.
template <class T> class RemoteSender {
public:
    /// Sends `value` on its way; items of one thread keep their order. False: the channel is full,
    /// closed or gone, or the loop's mailbox is full (LoopOptions::posted_closures); the value is
    /// dropped then. Items that are still on their way when the channel closes are dropped too.
    [[nodiscard]] bool try_send(T value) const {
        if (!queue_->is_open.load() || !queue_->take_place()) return false;
        const bool is_posted = remote_.post([queue = queue_, item = std::move(value)]() mutable {
            if (queue->channel != nullptr)
                static_cast<void>(queue->channel->try_send(std::move(item)));
        });
        if (!is_posted) queue_->free_places.fetch_add(1);
        return is_posted;
    }

private:
    friend RemoteChannel<T>;
    RemoteSender(Remote remote, std::shared_ptr<detail::RemoteQueue<T>> queue) noexcept
        : remote_(std::move(remote)), queue_(std::move(queue)) {}

    Remote remote_;
    std::shared_ptr<detail::RemoteQueue<T>> queue_;
};

/// The receiving end. Thread: the loop's own.
template <class T> class RemoteChannel {
public:
    /// `capacity` (not zero) counts what is queued and what is on its way.
    RemoteChannel(EventLoop& loop, std::size_t capacity)
        : channel_(capacity), queue_(std::make_shared<detail::RemoteQueue<T>>(channel_, capacity)),
          remote_(loop.remote()) {
        channel_.outside_places_ = &queue_->free_places;
    }
    RemoteChannel(const RemoteChannel&) = delete;
    RemoteChannel& operator=(const RemoteChannel&) = delete;
    ~RemoteChannel() {
        queue_->is_open.store(false);
        queue_->channel = nullptr;
    }

    [[nodiscard]] RemoteSender<T> sender() const noexcept { return {remote_, queue_}; }
    /// As Channel::receive().
    ReceiveOperation<T> receive(Deadline deadline = {}) noexcept {
        return channel_.receive(deadline);
    }
    [[nodiscard]] std::optional<T> try_receive() noexcept { return channel_.try_receive(); }
    /// Refuses what senders try from now on; receivers drain what is queued first.
    void close() noexcept {
        queue_->is_open.store(false);
        channel_.close();
    }
    [[nodiscard]] std::size_t size() const noexcept { return channel_.size(); }

private:
    Channel<T> channel_;
    std::shared_ptr<detail::RemoteQueue<T>> queue_;
    Remote remote_;
};

} // namespace tidemill
