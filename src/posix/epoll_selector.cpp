// The kernel keeps what is watched, and each event carries the token back in the 64 bits that epoll
// leaves to its user. The waker and the alarm are two more descriptors in the set, under tokens of
// their own.
//
// With `news_only` a registration is edge-triggered. The kernel then need not look again, in the
// next wait, at each socket that it has reported in this one, which is 2 % of an echo.
//
// The kernel forgets a descriptor by itself only when the last descriptor of its socket closes. A
// socket that is closed here but lives on elsewhere (a child process inherited it) stays in the
// set, and no call can name it any more. `closing` therefore removes by call what may have a second
// owner; for the copy that nobody knew of, rebuild() makes a new set, of what the loop still
// watches.

#include "posix/epoll_selector.hpp"
#include "posix/epoll_alarm.hpp"
#include "posix/waiting.hpp"
#include "posix/waker.hpp"
#include <new>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tidemill::detail {
namespace {

// No token of a source: their slots are not that many.
constexpr std::uint64_t waker_data = ~std::uint64_t{0};
constexpr std::uint64_t alarm_data = waker_data - 1;

std::uint64_t to_data(Token token) noexcept {
    return std::uint64_t{token.generation} << 32 | token.slot;
}

Token to_token(std::uint64_t data) noexcept {
    return {static_cast<std::uint32_t>(data), static_cast<std::uint32_t>(data >> 32)};
}

// The end of input and urgent data: where a receive stops although there is more to come, and for
// which an edge-triggered epoll sends no event of their own.
constexpr std::uint32_t behind_mask = EPOLLRDHUP | EPOLLPRI;

std::uint32_t to_mask(Interest interest) noexcept {
    return (includes(interest, Interest::read) ? std::uint32_t{EPOLLIN} : 0) |
           (includes(interest, Interest::write) ? std::uint32_t{EPOLLOUT} : 0) |
           (includes(interest, Interest::news_only) ? EPOLLET | behind_mask : 0);
}

class EpollSelector final : public Selector {
public:
    EpollSelector(int epoll, Waker waker) noexcept : epoll_(epoll), waker_(std::move(waker)) {}
    ~EpollSelector() override { ::close(epoll_); }

    [[nodiscard]] PackedError watch_own() noexcept {
        if (alarm_.descriptor() != -1) {
            const PackedError error =
                control(EPOLL_CTL_ADD, alarm_.descriptor(), EPOLLIN | EPOLLET, alarm_data);
            if (error) return error;
        }
        return control(EPOLL_CTL_ADD, waker_.readable_end(), EPOLLIN, waker_data);
    }

    // The old set serves until the new one is complete: out of descriptors or memory, it has to go
    // on doing so.
    bool rebuild(std::span<const Watched> all) override {
        const int old = std::exchange(epoll_, ::epoll_create1(EPOLL_CLOEXEC));
        const bool is_complete = epoll_ != -1 && !watch_own() && watch_all(all);
        const int loser = is_complete ? old : std::exchange(epoll_, old);
        if (loser != -1) ::close(loser);
        return is_complete;
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        return control(EPOLL_CTL_ADD, socket, to_mask(interest), to_data(token));
    }
    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        return control(EPOLL_CTL_MOD, socket, to_mask(interest), to_data(token));
    }
    PackedError remove(NativeSocket socket, Token token) override {
        return control(EPOLL_CTL_DEL, socket, 0, to_data(token));
    }
    void closing(NativeSocket socket, Token token, bool sole_owner) override {
        if (!sole_owner) static_cast<void>(remove(socket, token));
    }

    Result<std::size_t> wait(std::span<Event> ready, Duration timeout) override {
        if (found_.size() < ready.size()) found_.resize(ready.size());
        // The kernel goes round-robin through what is ready: what does not fit comes first next
        // time.
        const int limit = static_cast<int>(std::min<std::size_t>(ready.size(), 1u << 20));
        for (;;) {
            const int wait_ms = alarm_.ends_wait_within(timeout) ? -1 : to_wait_ms(timeout);
            const int count = ::epoll_wait(epoll_, found_.data(), limit, wait_ms);
            if (count == -1) return failed_wait(errno);
            const std::size_t filled = translate(static_cast<std::size_t>(count), ready);
            if (count != 1 || found_[0].data.u64 != alarm_data) return filled;
            timeout = alarm_.left_of(timeout);
            if (timeout <= Duration::zero()) return std::size_t{0};
        }
    }

    void wake() noexcept override { waker_.wake(); }
    [[nodiscard]] NativeSocket native_handle() const noexcept override { return epoll_; }
    [[nodiscard]] bool takes_foreign_sockets() const noexcept override { return true; }
    [[nodiscard]] const char* name() const noexcept override { return "epoll"; }

private:
    bool watch_all(std::span<const Watched> all) {
        for (const Watched& each : all)
            if (add(each.socket, each.interest, each.token)) return false;
        return true;
    }

    PackedError control(int action, int socket, std::uint32_t mask, std::uint64_t data) noexcept {
        epoll_event event{};
        event.events = mask;
        event.data.u64 = data;
        return outcome(::epoll_ctl(epoll_, action, socket, &event));
    }

    std::size_t translate(std::size_t count, std::span<Event> ready) noexcept {
        std::size_t filled = 0;
        for (std::size_t i = 0; i < count; ++i) {
            // The structure is packed: its members are copied before anything refers to them.
            const std::uint32_t mask = found_[i].events;
            const std::uint64_t data = found_[i].data.u64;
            if (data == waker_data) {
                waker_.drain();
                continue;
            }
            if (data == alarm_data) {
                alarm_.on_expired();
                continue;
            }
            const bool has_failed = (mask & (EPOLLHUP | EPOLLERR)) != 0;
            ready[filled++] = {to_token(data), has_failed || (mask & (EPOLLIN | behind_mask)) != 0,
                               has_failed || (mask & EPOLLOUT) != 0,
                               has_failed || (mask & behind_mask) != 0};
        }
        return filled;
    }

    int epoll_;
    Waker waker_;
    EpollAlarm alarm_;
    std::vector<epoll_event> found_;
};

} // namespace

Result<std::unique_ptr<Selector>> make_epoll_selector() {
    Result<Waker> waker = Waker::make();
    if (!waker) return failure(waker.error());
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll == -1) return failure(posix_error(errno).code());
    std::unique_ptr<EpollSelector> selector(new (std::nothrow)
                                                EpollSelector(epoll, std::move(*waker)));
    if (selector == nullptr) { // or its destructor closes the descriptor
        ::close(epoll);
        return failure(std::errc::not_enough_memory);
    }
    if (const PackedError error = selector->watch_own()) return failure(error.code());
    return std::unique_ptr<Selector>(std::move(selector));
}

} // namespace tidemill::detail
