// An fd_set is an array of FD_SETSIZE bits without bounds check: setting a bit beyond it writes
// into a stranger's memory. add() refuses such a descriptor; every other path looks the descriptor
// up among the watched ones first, so none can get past.
//
// The sets say what is asked for, and `tokens_` by whom. select() overwrites what it is given, so
// each wait passes copies. The call is pselect(), for its timeout in nanoseconds: nothing to round.
//
// Unlike poll and epoll, select() has no bit of its own for a hang-up or an error, so these are
// reported in the directions that were asked for, and in no other.

#include "posix/select_selector.hpp"
#include "posix/waiting.hpp"
#include "posix/waker.hpp"
#include <array>
#include <sys/select.h>
#include <utility>

namespace tidemill::detail {
namespace {

constexpr int descriptor_limit = FD_SETSIZE;

bool is_within_limit(int descriptor) noexcept {
    return descriptor >= 0 && descriptor < descriptor_limit;
}

bool has(const fd_set& set, int descriptor) noexcept { return FD_ISSET(descriptor, &set); }

void put(fd_set& set, int descriptor, bool is_member) noexcept {
    if (is_member)
        FD_SET(descriptor, &set);
    else
        FD_CLR(descriptor, &set);
}

timespec to_timespec(Duration timeout) noexcept {
    const Duration bounded = std::clamp(timeout, Duration::zero(), longest_wait);
    const auto whole = std::chrono::floor<std::chrono::seconds>(bounded);
    timespec result{};
    result.tv_sec = static_cast<time_t>(whole.count());
    result.tv_nsec = static_cast<long>((bounded - whole).count());
    return result;
}

class SelectSelector final : public Selector {
public:
    explicit SelectSelector(Waker waker) noexcept
        : waker_(std::move(waker)), end_(waker_.readable_end() + 1) {
        FD_ZERO(&readers_);
        FD_ZERO(&writers_);
        put(readers_, waker_.readable_end(), true);
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        if (socket < 0) return std::errc::bad_file_descriptor;
        if (!is_within_limit(socket)) return Errc::selector_limit;
        if (is_watched(socket)) return std::errc::file_exists;
        set(socket, interest, token);
        end_ = std::max(end_, socket + 1);
        return {};
    }

    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        if (!is_watched(socket)) return std::errc::no_such_file_or_directory;
        set(socket, interest, token);
        return {};
    }

    PackedError remove(NativeSocket socket, Token) override {
        if (!is_watched(socket)) return std::errc::no_such_file_or_directory;
        set(socket, Interest::none, {});
        while (!is_watched(end_ - 1)) --end_; // the waker ends it at the latest
        return {};
    }

    void closing(NativeSocket socket, Token token, bool) override {
        static_cast<void>(remove(socket, token));
    }

    Result<std::size_t> wait(std::span<Event> ready, Duration timeout) override {
        fd_set readable = readers_;
        fd_set writable = writers_;
        const timespec limit = to_timespec(timeout);
        const int count = ::pselect(end_, &readable, &writable, nullptr,
                                    timeout == forever ? nullptr : &limit, nullptr);
        if (count == -1) return failed_wait(errno);
        if (count > 0 && has(readable, waker_.readable_end())) {
            waker_.drain();
            put(readable, waker_.readable_end(), false);
        }
        return count == 0 ? 0 : collect(readable, writable, ready);
    }

    void wake() noexcept override { waker_.wake(); }
    [[nodiscard]] bool takes_foreign_sockets() const noexcept override { return true; }
    [[nodiscard]] const char* name() const noexcept override { return "select"; }

private:
    [[nodiscard]] bool is_watched(NativeSocket socket) const noexcept {
        return is_within_limit(socket) && (has(readers_, socket) || has(writers_, socket));
    }

    void set(NativeSocket socket, Interest interest, Token token) noexcept {
        put(readers_, socket, includes(interest, Interest::read));
        put(writers_, socket, includes(interest, Interest::write));
        tokens_[static_cast<std::size_t>(socket)] = token;
    }

    // Begins behind the last one looked at in the wait before, so that whoever did not fit into
    // `ready` then comes first now.
    std::size_t collect(const fd_set& readable, const fd_set& writable,
                        std::span<Event> ready) noexcept {
        std::size_t filled = 0;
        for (int seen = 0; seen < end_ && filled < ready.size(); ++seen) {
            if (next_ >= end_) next_ = 0;
            const int socket = next_++;
            const bool can_read = has(readable, socket);
            const bool can_write = has(writable, socket);
            if (can_read || can_write)
                ready[filled++] = {tokens_[static_cast<std::size_t>(socket)], can_read, can_write};
        }
        return filled;
    }

    Waker waker_;
    fd_set readers_;
    fd_set writers_;
    std::array<Token, FD_SETSIZE> tokens_{}; ///< by descriptor
    int end_;                                ///< one past the highest descriptor watched
    int next_ = 0;                           ///< where the scan goes on
};

} // namespace

Result<std::unique_ptr<Selector>> make_select_selector() {
    Result<Waker> waker = Waker::make();
    if (!waker) return failure(waker.error());
    if (!is_within_limit(waker->readable_end())) return failure(Errc::selector_limit);
    return std::make_unique<SelectSelector>(std::move(*waker));
}

} // namespace tidemill::detail
