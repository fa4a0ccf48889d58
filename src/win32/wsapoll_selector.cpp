// The kernel keeps no state between calls, so this file does; each wait passes the whole list.
//
// What WSAPoll cannot do is done by a select() that does not wait, in slices of the timeout:
// - before Windows 10 version 2004 it never reports a connect that was refused, so a socket that is
//   connecting is also looked for among select's exceptions;
// - it reports the peer's end (POLLHUP) whether somebody asked for it or not. A socket that only a
//   writer waits for would end every wait at once from then on; it is left out of the list, and
//   select() is asked for its room to write.
// Such sockets are `asked_apart`. There are few, for a short time, and while there are any, a wait
// looks up every few milliseconds.
//
// Cost: wait() is linear in registered sockets; beyond about a thousand prefer iocp.

#include "win32/wsapoll_selector.hpp"
#include "win32/socket_table.hpp"
#include "win32/waiting.hpp"
#include "win32/waker.hpp"
#include "win32/windows.hpp"
#include "win32/winsock_error.hpp"

namespace tidemill::detail {
namespace {

constexpr Duration slice = std::chrono::milliseconds(20);

enum class Apart : std::uint8_t { no, while_connecting, after_hang_up };

struct Entry {
    NativeSocket socket = invalid_socket;
    Token token;
    Interest interest = Interest::none;
    Apart apart = Apart::no;
    short found = 0;       ///< by this wait
    std::size_t asked = 0; ///< its place in the list of this wait; 0: left out
};

short to_mask(Interest interest) noexcept {
    const int mask = (includes(interest, Interest::read) ? POLLRDNORM : 0) |
                     (includes(interest, Interest::write) ? POLLWRNORM : 0);
    return static_cast<short>(mask);
}

bool is_connecting(NativeSocket socket) noexcept {
    constexpr DWORD not_connected = 0xffffffff;
    DWORD seconds = 0;
    int size = static_cast<int>(sizeof seconds);
    return ::getsockopt(socket, SOL_SOCKET, SO_CONNECT_TIME, reinterpret_cast<char*>(&seconds),
                        &size) == 0 &&
           seconds == not_connected;
}

// The peer's end alone leaves the other direction as it was.
Event to_event(short mask, Token token) noexcept {
    const bool has_failed = (mask & (POLLERR | POLLNVAL)) != 0;
    Event event{token, (mask & (POLLRDNORM | POLLHUP)) != 0 || has_failed,
                (mask & POLLWRNORM) != 0 || has_failed};
    if ((mask & POLLHUP) != 0) event.ending = has_failed ? Ending::reset : Ending::in_order;
    return event;
}

class WsapollSelector final : public Selector {
public:
    explicit WsapollSelector(std::unique_ptr<Waker> waker)
        : waker_(std::move(waker)), table_(waker_->readable_end()) {
        polled_.reserve(table_.size());
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        if (const PackedError error = make_room()) return error;
        if (const PackedError error = table_.add(socket, interest, token)) return error;
        note_connecting(table_[table_.size() - 1]);
        return {};
    }

    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        const std::size_t place = table_.place_of(socket);
        if (place == table_.nowhere) return std::errc::no_such_file_or_directory;
        Entry& entry = table_[place];
        set_apart(entry, Apart::no);
        entry.interest = interest;
        entry.token = token;
        note_connecting(entry);
        return {};
    }

    PackedError remove(NativeSocket socket, Token) override {
        const std::size_t place = table_.place_of(socket);
        if (place == table_.nowhere) return std::errc::no_such_file_or_directory;
        set_apart(table_[place], Apart::no);
        table_.remove(place);
        return {};
    }

    void closing(NativeSocket socket, Token token, bool) override {
        static_cast<void>(remove(socket, token));
    }

    Result<std::size_t> wait(std::span<Event> ready, Duration timeout) override {
        const Countdown countdown(timeout);
        for (;;) {
            const Duration left = countdown.left();
            const int found = poll(asked_apart_ == 0 ? left : std::min(left, slice));
            if (found < 0) return failure(last_socket_error().code());
            const std::size_t filled = collect(ready);
            if (filled > 0 || take_wake() || left == Duration::zero()) return filled;
        }
    }

    void wake() noexcept override { waker_->wake(); }
    [[nodiscard]] const char* name() const noexcept override { return "wsapoll"; }

private:
    // So that no wait needs memory: its list has a place for each socket, and for the waker.
    PackedError make_room() noexcept {
        try {
            if (polled_.capacity() <= table_.size()) polled_.reserve(2 * table_.size());
        } catch (const std::bad_alloc&) {
            return std::errc::not_enough_memory;
        }
        return {};
    }

    void set_apart(Entry& entry, Apart apart) noexcept {
        asked_apart_ += apart == Apart::no ? 0 : 1;
        asked_apart_ -= entry.apart == Apart::no ? 0 : 1;
        entry.apart = apart;
    }

    void note_connecting(Entry& entry) noexcept {
        if (includes(entry.interest, Interest::write) && is_connecting(entry.socket))
            set_apart(entry, Apart::while_connecting);
    }

    int poll(Duration timeout) {
        polled_.clear();
        polled_.push_back({waker_->readable_end(), POLLRDNORM, 0});
        for (std::size_t place = 1; place < table_.size(); ++place) {
            Entry& entry = table_[place];
            entry.asked = entry.apart == Apart::after_hang_up ? 0 : polled_.size();
            if (entry.asked != 0) polled_.push_back({entry.socket, to_mask(entry.interest), 0});
        }
        return ::WSAPoll(polled_.data(), static_cast<ULONG>(polled_.size()), to_wait_ms(timeout));
    }

    bool take_wake() noexcept {
        if (polled_[0].revents == 0) return false;
        waker_->drain();
        return true;
    }

    std::size_t collect(std::span<Event> ready) noexcept {
        for (std::size_t place = 1; place < table_.size(); ++place) {
            Entry& entry = table_[place];
            entry.found = entry.asked == 0 ? short{0} : polled_[entry.asked].revents;
            if (entry.apart != Apart::no) ask_apart(entry);
        }
        std::size_t filled = 0;
        table_.scan([&](Entry& entry) {
            if (filled == ready.size()) return false;
            if (report(entry, ready[filled])) ++filled;
            return true;
        });
        return filled;
    }

    // False if there is nothing that the waiter wants to know.
    bool report(Entry& entry, Event& event) noexcept {
        if (entry.found == 0) return false;
        event = to_event(entry.found, entry.token);
        if (entry.apart == Apart::while_connecting) set_apart(entry, Apart::no);
        const bool is_wanted = (event.readable && includes(entry.interest, Interest::read)) ||
                               (event.writable && includes(entry.interest, Interest::write));
        if (!is_wanted) set_apart(entry, Apart::after_hang_up);
        return is_wanted;
    }

    static void ask_apart(Entry& entry) noexcept {
        fd_set writable;
        fd_set failed;
        FD_ZERO(&writable);
        FD_ZERO(&failed);
        FD_SET(entry.socket, &writable);
        FD_SET(entry.socket, &failed);
        timeval at_once{};
        if (::select(0, nullptr, &writable, &failed, &at_once) <= 0) return;
        int mask = entry.found;
        if (writable.fd_count > 0) mask |= POLLWRNORM;
        if (failed.fd_count > 0 && entry.apart == Apart::while_connecting) mask |= POLLERR;
        entry.found = static_cast<short>(mask);
    }

    std::unique_ptr<Waker> waker_;
    SocketTable<Entry> table_;
    std::vector<WSAPOLLFD> polled_;
    std::size_t asked_apart_ = 0;
};

} // namespace

Result<std::unique_ptr<Selector>> make_wsapoll_selector() {
    Result<std::unique_ptr<Waker>> waker = Waker::make();
    if (!waker) return failure(std::move(waker.error()));
    return std::make_unique<WsapollSelector>(std::move(*waker));
}

} // namespace tidemill::detail
