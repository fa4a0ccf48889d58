// One poll request per socket at most, made anew before each wait where it is needed. A socket is
// in one of three states:
//
//   idle       The kernel has no request for it. What is wanted is asked for before the next wait.
//   pending    The kernel has a request; its packet is on the way or will be.
//   cancelled  The request was called back. Its packet is on the way; until then the kernel owns
//              the memory, and no second request may be made.
//
// A pending request that asks for more than is wanted is left alone: what nobody wants is dropped
// when it comes, and not asked for again. One that asks for less is called back before the next
// wait, which goes on until the packet has come and the right request is made. What a cancelled
// request has found is dropped: the number may have become another socket's meanwhile, and the next
// request tells it again.
//
// A socket that is removed or closed while the kernel has its request is kept until the packet has
// come: after a removal in the table, where it may be added again; after a close in the graveyard,
// which is nothing but `is_buried`, since only the packet leads there.
//
// The port hands packets out in the order in which they came, so what did not fit into one wait
// comes first in the next, and a socket that is asked for again stands behind all others.

#include "win32/iocp_selector.hpp"
#include "win32/iocp_port.hpp"
#include "win32/waiting.hpp"
#include "win32/watched_socket.hpp"
#include "win32/winsock.hpp"
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidemill::detail {
namespace {

class IocpSelector final : public Selector {
public:
    IocpSelector(std::unique_ptr<IocpPort> port, const wchar_t* device_name)
        : port_(std::move(port)), device_name_(device_name) {}
    IocpSelector(const IocpSelector&) = delete;
    IocpSelector& operator=(const IocpSelector&) = delete;

    // Closing the port would not give the requests' memory back, so their packets are awaited. What
    // does not come back, for whatever reason, is left to the kernel.
    ~IocpSelector() override {
        constexpr int most_waits = 100;
        constexpr Duration each = std::chrono::milliseconds(10);
        for (auto& [socket, watched] : table_) bury(std::move(watched));
        table_.clear();
        packets_.resize(64);
        for (int i = 0; i < most_waits && in_kernel_ > 0; ++i) {
            const Result<std::size_t> count = port_->wait(packets_, each);
            if (!count) return;
            Event dropped;
            for (std::size_t k = 0; k < *count; ++k) static_cast<void>(take(packets_[k], dropped));
        }
    }

    /// The first one, to see whether that is possible at all.
    [[nodiscard]] PackedError open_device() {
        Result<std::unique_ptr<AfdDevice>> device = AfdDevice::open(device_name_, port_->handle());
        if (!device) return Errc::not_supported;
        devices_.push_back(std::move(*device));
        with_room_ = devices_.back().get();
        return {};
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        if (socket == invalid_socket) return std::errc::bad_file_descriptor;
        WatchedSocket* watched = find(socket);
        if (watched != nullptr && watched->wanted != Interest::none) return std::errc::file_exists;
        // Asked each time: a number that was removed may have become another socket's.
        const BaseSocket base = base_socket(socket);
        if (base.error) return base.error;
        try {
            if (watched == nullptr) watched = &insert(socket);
        } catch (const std::bad_alloc&) {
            return std::errc::not_enough_memory;
        }
        if (watched->device == nullptr) return Errc::selector_limit;
        watched->base = base.socket;
        want(*watched, interest, token);
        return {};
    }

    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        WatchedSocket* const watched = find(socket);
        if (watched == nullptr || watched->wanted == Interest::none)
            return std::errc::no_such_file_or_directory;
        want(*watched, interest, token);
        return {};
    }

    PackedError remove(NativeSocket socket, Token) override {
        WatchedSocket* const watched = find(socket);
        if (watched == nullptr || watched->wanted == Interest::none)
            return std::errc::no_such_file_or_directory;
        watched->wanted = Interest::none;
        make_fresh(*watched);
        if (watched->state == PollState::idle)
            erase(*watched);
        else
            call_back(*watched);
        return {};
    }

    void closing(NativeSocket socket, Token, bool) override {
        const auto found = table_.find(socket);
        if (found == table_.end()) return;
        std::unique_ptr<WatchedSocket> watched = std::move(found->second);
        table_.erase(found);
        bury(std::move(watched));
    }

    Result<std::size_t> wait(std::span<Event> ready, Duration timeout) override {
        const Countdown countdown(timeout);
        if (packets_.size() < ready.size()) packets_.resize(ready.size());
        ++wait_number_;
        std::size_t filled = 0;
        for (bool is_woken = false;;) {
            refresh_all(ready, filled);
            if (filled == ready.size()) return filled;
            const bool has_reason = is_woken || filled > 0;
            const Duration left = has_reason ? Duration::zero() : countdown.left();
            const auto room = std::span(packets_).first(ready.size() - filled);
            const Result<std::size_t> count = port_->wait(room, left);
            if (!count) return count;
            for (const OVERLAPPED_ENTRY& packet : room.first(*count)) {
                if (port_->take_wake(packet))
                    is_woken = true;
                else if (take(packet, ready[filled]))
                    ++filled;
            }
            if (has_stale_ && (*count > 0 || left > Duration::zero())) continue;
            if (filled > 0 || is_woken || left == Duration::zero()) return filled;
        }
    }

    void wake() noexcept override { port_->wake(); }
    [[nodiscard]] const char* name() const noexcept override { return "iocp"; }

private:
    [[nodiscard]] WatchedSocket* find(NativeSocket socket) const noexcept {
        const auto found = table_.find(socket);
        return found == table_.end() ? nullptr : found->second.get();
    }

    // A device, once opened, serves until the end: there are as many as the most sockets needed.
    [[nodiscard]] AfdDevice* device_with_room() {
        if (with_room_->sockets < AfdDevice::most_sockets) return with_room_;
        for (const auto& device : devices_)
            if (device->sockets < AfdDevice::most_sockets) return with_room_ = device.get();
        return open_device() ? nullptr : with_room_;
    }

    // All that may fail for want of memory happens here: each socket has its room in `stale_`.
    [[nodiscard]] WatchedSocket& insert(NativeSocket socket) {
        AfdDevice* const device = device_with_room();
        if (stale_.capacity() <= table_.size()) stale_.reserve(2 * table_.size() + 16);
        auto watched = std::make_unique<WatchedSocket>();
        WatchedSocket& result = *watched;
        table_.emplace(socket, std::move(watched));
        result.socket = socket;
        result.device = device;
        ++result.device->sockets;
        return result;
    }

    void erase(const WatchedSocket& watched) noexcept {
        --watched.device->sockets;
        with_room_ = watched.device;
        table_.erase(watched.socket);
    }

    void bury(std::unique_ptr<WatchedSocket> watched) noexcept {
        make_fresh(*watched);
        call_back(*watched);
        watched->is_buried = true;
        if (watched->state == PollState::idle)
            --watched->device->sockets;
        else
            static_cast<void>(watched.release()); // its packet leads to it
    }

    void want(WatchedSocket& watched, Interest interest, Token token) noexcept {
        watched.wanted = interest;
        watched.token = token;
        make_stale(watched);
    }

    void make_stale(WatchedSocket& watched) noexcept {
        if (watched.place != not_stale) return;
        watched.place = stale_.size();
        stale_.push_back(&watched);
    }

    void make_fresh(WatchedSocket& watched) noexcept {
        if (watched.place == not_stale) return;
        stale_[watched.place] = stale_.back();
        stale_[watched.place]->place = watched.place;
        stale_.pop_back();
        watched.place = not_stale;
    }

    void call_back(WatchedSocket& watched) noexcept {
        if (watched.state != PollState::pending) return;
        watched.device->cancel(watched.request);
        watched.state = PollState::cancelled;
    }

    // What this wait has reported already is asked for again by the next one.
    void refresh_all(std::span<Event> ready, std::size_t& filled) noexcept {
        std::size_t kept = 0;
        for (WatchedSocket* const watched : stale_) {
            const bool is_done = watched->reported_in != wait_number_ && refresh(*watched);
            watched->place = is_done ? not_stale : kept;
            if (is_done) continue;
            stale_[kept++] = watched;
            if (watched->reported_in == wait_number_ || filled == ready.size()) continue;
            // Refused: the next call on the socket finds out why.
            watched->reported_in = wait_number_;
            ready[filled++] = {watched->token, true, true};
        }
        stale_.resize(kept);
        has_stale_ = false;
    }

    bool refresh(WatchedSocket& watched) noexcept {
        const ULONG mask = to_mask(watched.wanted);
        switch (watched.state) {
        case PollState::idle:
            if (!watched.device->poll(watched.request, watched.base, mask)) return false;
            watched.state = PollState::pending;
            watched.asked = mask;
            ++in_kernel_;
            return true;
        case PollState::pending:
            if ((mask & ~watched.asked) != 0) call_back(watched);
            return true;
        case PollState::cancelled: return true; // its packet makes it stale again
        }
        return true;
    }

    // True if the packet tells an event that somebody wants.
    bool take(const OVERLAPPED_ENTRY& packet, Event& event) noexcept {
        if (packet.lpOverlapped == nullptr) return false; // a late wake
        auto& watched = *reinterpret_cast<WatchedSocket*>(packet.lpOverlapped);
        const bool is_cancelled = watched.state == PollState::cancelled;
        watched.state = PollState::idle;
        --in_kernel_;
        if (watched.is_buried) {
            --watched.device->sockets;
            const std::unique_ptr<WatchedSocket> last_owner(&watched);
            return false;
        }
        if (watched.wanted == Interest::none) {
            erase(watched);
            return false;
        }
        make_stale(watched);
        event = to_event(is_cancelled ? 0 : watched.request.found(), watched.token);
        const bool is_event = is_wanted(event, watched.wanted);
        watched.reported_in = is_event ? wait_number_ : 0;
        has_stale_ = has_stale_ || !is_event;
        return is_event;
    }

    std::unique_ptr<IocpPort> port_;
    const wchar_t* device_name_;
    std::vector<std::unique_ptr<AfdDevice>> devices_;
    AfdDevice* with_room_ = nullptr; ///< most likely
    std::unordered_map<NativeSocket, std::unique_ptr<WatchedSocket>> table_;
    std::vector<WatchedSocket*> stale_; ///< to be looked at before the next wait of the port
    bool has_stale_ = false;            ///< of which some have not been reported by this wait
    std::vector<OVERLAPPED_ENTRY> packets_;
    std::uint64_t wait_number_ = 0;
    std::size_t in_kernel_ = 0; ///< requests whose packets have not been dequeued
};

} // namespace

Result<std::unique_ptr<Selector>> make_iocp_selector(const wchar_t* device) {
    start_winsock();
    Result<std::unique_ptr<IocpPort>> port = IocpPort::make();
    if (!port) return failure(std::move(port.error()));
    auto selector = std::make_unique<IocpSelector>(std::move(*port), device);
    if (const PackedError error = selector->open_device()) return failure(error.code());
    return selector;
}

} // namespace tidemill::detail
