// The kernel keeps no state between calls, so this file does: `fds_` is passed to poll() as is, and
// `tokens_[i]` names the owner of `fds_[i]`. Index 0 is always the waker. Both arrays are dense:
// the last entry moves into the hole that a removal leaves. They change only on the loop's thread,
// never inside wait(), so no index can move under the scan.
//
// `places_` finds an entry by its descriptor, a small number that the system uses again soon, so
// add, modify and remove cost the same however many sockets there are. It also refuses a socket
// that is watched already under another token, as epoll does.
//
// Cost: wait() is linear in registered sockets; beyond about a thousand prefer epoll.

#include "posix/poll_selector.hpp"
#include "posix/waiting.hpp"
#include "posix/waker.hpp"
#include <algorithm>
#include <new>
#include <poll.h>
#include <sys/resource.h>
#include <utility>
#include <vector>

namespace tidemill::detail {
namespace {

short to_mask(Interest interest) noexcept {
    const int mask = (includes(interest, Interest::read) ? POLLIN : 0) |
                     (includes(interest, Interest::write) ? POLLOUT : 0);
    return static_cast<short>(mask);
}

Event to_event(short mask, Token token) noexcept {
    const bool has_failed = (mask & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    return {token, has_failed || (mask & POLLIN) != 0, has_failed || (mask & POLLOUT) != 0};
}

template <class Entry> void make_room_for_one(std::vector<Entry>& entries) {
    if (entries.size() == entries.capacity()) entries.reserve(2 * entries.size());
}

class PollSelector final : public Selector {
public:
    explicit PollSelector(Waker waker)
        : waker_(std::move(waker)), fds_{{waker_.readable_end(), POLLIN, 0}}, tokens_(1) {}

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        if (socket < 0) return std::errc::bad_file_descriptor;
        if (place_of(socket) != nowhere) return std::errc::file_exists;
        try {
            make_room(socket);
        } catch (const std::bad_alloc&) {
            return std::errc::not_enough_memory;
        }
        places_[static_cast<std::size_t>(socket)] = static_cast<std::uint32_t>(fds_.size());
        fds_.push_back({socket, to_mask(interest), 0});
        tokens_.push_back(token);
        return {};
    }

    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        const std::uint32_t place = place_of(socket);
        if (place == nowhere) return std::errc::no_such_file_or_directory;
        fds_[place].events = to_mask(interest);
        tokens_[place] = token;
        return {};
    }

    PackedError remove(NativeSocket socket, Token) override {
        const std::uint32_t place = place_of(socket);
        if (place == nowhere) return std::errc::no_such_file_or_directory;
        fds_[place] = fds_.back();
        tokens_[place] = tokens_.back();
        places_[static_cast<std::size_t>(fds_[place].fd)] = place;
        places_[static_cast<std::size_t>(socket)] = nowhere; // second: it may be the last itself
        fds_.pop_back();
        tokens_.pop_back();
        return {};
    }

    void closing(NativeSocket socket, Token token, bool) override {
        static_cast<void>(remove(socket, token));
    }

    Result<std::size_t> wait(std::span<Event> ready, Duration timeout) override {
        int count = ::poll(fds_.data(), static_cast<nfds_t>(fds_.size()), to_wait_ms(timeout));
        if (count == -1 && errno == EINVAL) count = poll_in_parts(timeout);
        if (count == -1) return failed_wait(errno);
        auto left = static_cast<std::size_t>(count);
        if (fds_[0].revents != 0) {
            waker_.drain();
            --left;
        }
        return collect(left, ready);
    }

    void wake() noexcept override { waker_.wake(); }
    [[nodiscard]] bool takes_foreign_sockets() const noexcept override { return true; }
    [[nodiscard]] const char* name() const noexcept override { return "poll"; }

private:
    static constexpr Duration longest_blind_wait = std::chrono::milliseconds(10);
    static constexpr std::uint32_t nowhere = 0; // the waker's place is no socket's

    [[nodiscard]] std::uint32_t place_of(NativeSocket socket) const noexcept {
        const auto index = static_cast<std::size_t>(socket); // a negative one is beyond the end
        return index < places_.size() ? places_[index] : nowhere;
    }

    // Only the kernel's limit of descriptors, lowered since they were opened, makes it refuse the
    // array as a whole. What it takes is looked at part by part, and as nothing can wait for all
    // parts, the wait is on the first one, the waker's, and short. As poll(2) where it fails.
    int poll_in_parts(Duration timeout) noexcept {
        const std::size_t limit = descriptor_limit();
        int count = poll_all_parts(limit);
        if (count != 0 || timeout == Duration::zero()) return count;
        const bool is_long = timeout == forever || timeout > longest_blind_wait;
        const std::size_t first = std::min(limit, fds_.size());
        count = ::poll(fds_.data(), static_cast<nfds_t>(first),
                       to_wait_ms(is_long ? longest_blind_wait : timeout));
        return count != 0 ? count : poll_all_parts(limit);
    }

    int poll_all_parts(std::size_t limit) noexcept {
        errno = EINVAL;
        if (limit == 0) return -1;
        int count = 0;
        for (std::size_t at = 0; at < fds_.size(); at += limit) {
            const std::size_t size = std::min(limit, fds_.size() - at);
            const int found = ::poll(fds_.data() + at, static_cast<nfds_t>(size), 0);
            if (found == -1) return -1;
            count += found;
        }
        return count;
    }

    [[nodiscard]] static std::size_t descriptor_limit() noexcept {
        rlimit limit{};
        return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::size_t>(limit.rlim_cur)
                                                       : 0;
    }

    // All that may fail happens before anything changes that the next wait could see.
    void make_room(NativeSocket socket) {
        const auto index = static_cast<std::size_t>(socket);
        if (index >= places_.size()) places_.resize(index + 1, nowhere);
        make_room_for_one(fds_);
        make_room_for_one(tokens_);
    }

    // Begins behind the last one looked at in the wait before, so that whoever did not fit into
    // `ready` then comes first now.
    std::size_t collect(std::size_t left, std::span<Event> ready) noexcept {
        std::size_t filled = 0;
        for (std::size_t seen = 1; seen < fds_.size(); ++seen) {
            if (left == 0 || filled == ready.size()) break;
            if (next_ >= fds_.size()) next_ = 1;
            const std::size_t place = next_++;
            if (fds_[place].revents == 0) continue;
            ready[filled++] = to_event(fds_[place].revents, tokens_[place]);
            --left;
        }
        return filled;
    }

    Waker waker_;
    std::vector<pollfd> fds_;
    std::vector<Token> tokens_;
    std::vector<std::uint32_t>
        places_;           ///< by descriptor: its index in the arrays above, or nowhere
    std::size_t next_ = 1; ///< where the scan goes on
};

} // namespace

Result<std::unique_ptr<Selector>> make_poll_selector() {
    Result<Waker> waker = Waker::make();
    if (!waker) return failure(waker.error());
    return std::make_unique<PollSelector>(std::move(*waker));
}

} // namespace tidemill::detail
