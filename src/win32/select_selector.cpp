// Here an fd_set is an array of at most FD_SETSIZE sockets with a count, not a field of bits: the
// limit is a number of sockets, and add() keeps to it. select() overwrites what it is given, so
// each wait fills the sets anew.
//
// A connect that was refused shows in the third set only. select() has no bit of its own for a
// hang-up or a reset, so these are reported in the directions that were asked for, and in no other;
// which of the two it was is asked of WSAPoll, for those sockets that can be read from.

#include "win32/select_selector.hpp"
#include "win32/socket_table.hpp"
#include "win32/waiting.hpp"
#include "win32/waker.hpp"
#include "win32/windows.hpp"
#include "win32/winsock_error.hpp"

namespace tidemill::detail {
namespace {

struct Entry {
    NativeSocket socket = invalid_socket;
    Token token;
    Interest interest = Interest::none;
    Interest found = Interest::none;
    Ending ending = Ending::unknown;
};

void put(fd_set& set, NativeSocket socket) noexcept { set.fd_array[set.fd_count++] = socket; }

timeval to_timeval(Duration timeout) noexcept {
    const auto whole = std::chrono::floor<std::chrono::seconds>(timeout);
    const auto rest = std::chrono::ceil<std::chrono::microseconds>(timeout - whole);
    if (rest == std::chrono::seconds(1)) return {static_cast<long>(whole.count()) + 1, 0};
    return {static_cast<long>(whole.count()), static_cast<long>(rest.count())};
}

class SelectSelector final : public Selector {
public:
    explicit SelectSelector(std::unique_ptr<Waker> waker)
        : waker_(std::move(waker)), table_(waker_->readable_end()) {
        table_[0].interest = Interest::read;
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        const bool is_full = table_.size() >= FD_SETSIZE;
        if (is_full && socket != invalid_socket && table_.place_of(socket) == table_.nowhere)
            return Errc::selector_limit;
        return table_.add(socket, interest, token);
    }

    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        const std::size_t place = table_.place_of(socket);
        if (place == table_.nowhere) return std::errc::no_such_file_or_directory;
        table_[place].interest = interest;
        table_[place].token = token;
        return {};
    }

    PackedError remove(NativeSocket socket, Token) override {
        const std::size_t place = table_.place_of(socket);
        if (place == table_.nowhere) return std::errc::no_such_file_or_directory;
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
            fill_sets();
            timeval limit = to_timeval(left);
            const int found = ::select(0, &readable_, &writable_, &failed_, &limit);
            if (found == SOCKET_ERROR) return failure(last_socket_error().code());
            mark_found();
            mark_endings();
            const bool is_woken = includes(table_[0].found, Interest::read);
            if (is_woken) waker_->drain();
            const std::size_t filled = collect(ready);
            if (filled > 0 || is_woken || left == Duration::zero()) return filled;
        }
    }

    void wake() noexcept override { waker_->wake(); }
    [[nodiscard]] const char* name() const noexcept override { return "select"; }

private:
    void fill_sets() noexcept {
        readable_.fd_count = writable_.fd_count = failed_.fd_count = 0;
        for (std::size_t place = 0; place < table_.size(); ++place) {
            Entry& entry = table_[place];
            entry.found = Interest::none;
            entry.ending = Ending::unknown;
            if (includes(entry.interest, Interest::read)) put(readable_, entry.socket);
            if (!includes(entry.interest, Interest::write)) continue;
            put(writable_, entry.socket);
            put(failed_, entry.socket);
        }
    }

    void mark_found() noexcept {
        mark(readable_, Interest::read);
        mark(writable_, Interest::write);
        mark(failed_, Interest::write);
    }
    void mark(const fd_set& set, Interest found) noexcept {
        for (u_int i = 0; i < set.fd_count; ++i) {
            Entry& entry = table_[table_.place_of(set.fd_array[i])];
            entry.found = entry.found | found;
        }
    }

    void mark_endings() {
        polled_.clear();
        for (u_int i = 0; i < readable_.fd_count; ++i)
            polled_.push_back({readable_.fd_array[i], POLLRDNORM, 0});
        if (polled_.empty()) return;
        if (::WSAPoll(polled_.data(), static_cast<ULONG>(polled_.size()), 0) <= 0) return;
        for (const WSAPOLLFD& each : polled_)
            if ((each.revents & POLLHUP) != 0)
                table_[table_.place_of(each.fd)].ending =
                    (each.revents & POLLERR) != 0 ? Ending::reset : Ending::in_order;
    }

    std::size_t collect(std::span<Event> ready) noexcept {
        std::size_t filled = 0;
        table_.scan([&](const Entry& entry) {
            if (filled == ready.size()) return false;
            if (entry.found == Interest::none) return true;
            Event& event = ready[filled++];
            event = {entry.token, includes(entry.found, Interest::read),
                     includes(entry.found, Interest::write)};
            event.ending = entry.ending;
            return true;
        });
        return filled;
    }

    std::unique_ptr<Waker> waker_;
    SocketTable<Entry> table_;
    fd_set readable_;
    fd_set writable_;
    fd_set failed_;
    std::vector<WSAPOLLFD> polled_;
};

} // namespace

Result<std::unique_ptr<Selector>> make_select_selector() {
    Result<std::unique_ptr<Waker>> waker = Waker::make();
    if (!waker) return failure(std::move(waker.error()));
    return std::make_unique<SelectSelector>(std::move(*waker));
}

} // namespace tidemill::detail
