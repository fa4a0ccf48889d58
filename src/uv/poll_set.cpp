// libuv stops a handle and reports UV_EBADF when the kernel tells an error (a reset, with or
// without bytes before it). Whatever was received is still there, so that is readable and writable,
// and the handle is started again at once: libuv asks the kernel anew when it polls next.
//
// libuv aborts the process if the kernel refuses a descriptor that has passed uv_poll_init(), which
// tries it (epoll takes no regular file). That call also makes the socket non-blocking; a socket
// that belongs to another library gets its mode back.
//
// libuv also aborts if its table of descriptors cannot grow. The same memory is asked for just
// before, and given back: who has none gets an error here.

#include "uv/poll_set.hpp"
#include <algorithm>
#include <bit>
#include <cerrno>
#include <fcntl.h>
#include <memory_resource>
#include <new>

namespace tidemill::detail {

struct PollSet::Watch {
    uv_poll_t handle{};
    PollSet* set = nullptr;
    Token token;
    NativeSocket socket = invalid_socket;
    Interest interest = Interest::none;
    bool readable = false;
    bool writable = false;
    bool is_in_line = false;
    Watch* next = nullptr;
    Watch* previous = nullptr;

    static Watch& of(uv_poll_t* handle) noexcept { return *static_cast<Watch*>(handle->data); }
    [[nodiscard]] int start() noexcept {
        const int events = (includes(interest, Interest::read) ? UV_READABLE : 0) |
                           (includes(interest, Interest::write) ? UV_WRITABLE : 0);
        return ::uv_poll_start(&handle, events, on_poll);
    }
    /// libuv is told to let go; the memory is freed when it has.
    void close() noexcept {
        set = nullptr;
        close_own(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
            const std::unique_ptr<Watch> dead(static_cast<Watch*>(closed->data));
        });
    }
};

namespace {

// uv_poll_init() makes the socket non-blocking.
int init_keeping_mode(uv_loop_t& loop, uv_poll_t& handle, NativeSocket socket) noexcept {
    const int mode = ::fcntl(socket, F_GETFL);
    if (mode == -1) return -errno;
    const int status = ::uv_poll_init(&loop, &handle, socket);
    if ((mode & O_NONBLOCK) == 0) ::fcntl(socket, F_SETFL, mode);
    return status;
}

// Its table doubles, and has two entries of its own at the end.
std::size_t libuv_entries(NativeSocket socket) noexcept {
    return std::bit_ceil(static_cast<std::size_t>(socket) + 1 + 2);
}

// Throws std::bad_alloc if a table of that many entries cannot be had. Asked of a resource, as a
// compiler may leave out a new that only a delete follows; and for more than the blocks that the C
// library keeps by the thread, as it serves no realloc() from those.
void try_table(std::size_t entries) {
    constexpr std::size_t least_bytes = 4096;
    const std::size_t bytes = std::max(entries * sizeof(void*), least_bytes);
    std::pmr::memory_resource& heap = *std::pmr::new_delete_resource();
    heap.deallocate(heap.allocate(bytes), bytes);
}

} // namespace

PollSet::~PollSet() {
    for (Watch* const watch : watches_)
        if (watch != nullptr) watch->close();
}

PollSet::Watch* PollSet::find(NativeSocket socket) const noexcept {
    const auto index = static_cast<std::size_t>(socket); // a negative one is beyond the end
    return index < watches_.size() ? watches_[index] : nullptr;
}

PackedError PollSet::add(NativeSocket socket, Interest interest, Token token) noexcept {
    if (socket < 0) return std::errc::bad_file_descriptor;
    if (find(socket) != nullptr) return std::errc::file_exists;
    std::unique_ptr<Watch> watch;
    const std::size_t entries = libuv_entries(socket);
    try {
        const auto index = static_cast<std::size_t>(socket);
        if (index >= watches_.size()) watches_.resize(index + 1);
        watch = std::make_unique<Watch>();
        if (entries > entries_of_libuv_) try_table(entries);
    } catch (const std::bad_alloc&) {
        return std::errc::not_enough_memory;
    }
    if (const int status = init_keeping_mode(loop_, watch->handle, socket); status != 0)
        return uv_error(status); // libuv does not know the handle
    watch->handle.data = watch.get();
    watch->set = this;
    watch->token = token;
    watch->socket = socket;
    watch->interest = interest;
    Watch& known = *watch.release(); // its close callback owns it from here on
    if (const int status = known.start(); status != 0) {
        known.close();
        return uv_error(status);
    }
    entries_of_libuv_ = std::max(entries, entries_of_libuv_);
    watches_[static_cast<std::size_t>(socket)] = &known;
    return {};
}

PackedError PollSet::modify(NativeSocket socket, Interest interest, Token token) noexcept {
    Watch* const watch = find(socket);
    if (watch == nullptr) return std::errc::no_such_file_or_directory;
    const Interest before = std::exchange(watch->interest, interest);
    if (const int status = watch->start(); status != 0) {
        watch->interest = before;
        return uv_error(status);
    }
    watch->token = token;
    return {};
}

PackedError PollSet::remove(NativeSocket socket) noexcept {
    Watch* const watch = find(socket);
    if (watch == nullptr) return std::errc::no_such_file_or_directory;
    watches_[static_cast<std::size_t>(socket)] = nullptr;
    leave_line(*watch);
    watch->close();
    return {};
}

void PollSet::on_poll(uv_poll_t* handle, int status, int events) noexcept {
    Watch& watch = Watch::of(handle);
    if (watch.set == nullptr) return; // it is being closed
    const bool has_failed = status < 0;
    watch.set->record(watch, has_failed || (events & UV_READABLE) != 0,
                      has_failed || (events & UV_WRITABLE) != 0);
    // It succeeded before with the same interest, and fails only if somebody else watches the
    // descriptor in this loop by now; that one is served instead.
    if (has_failed) static_cast<void>(watch.start());
}

// libuv may scan more than once in a round, so a watch may be here already.
void PollSet::record(Watch& watch, bool readable, bool writable) noexcept {
    watch.readable |= readable;
    watch.writable |= writable;
    has_events_ = true;
    if (!watch.is_in_line) join_line(watch);
}

void PollSet::join_line(Watch& watch) noexcept {
    watch.is_in_line = true;
    watch.next = nullptr;
    watch.previous = last_;
    (last_ == nullptr ? first_ : last_->next) = &watch;
    last_ = &watch;
}

void PollSet::leave_line(Watch& watch) noexcept {
    if (!std::exchange(watch.is_in_line, false)) return;
    (watch.previous == nullptr ? first_ : watch.previous->next) = watch.next;
    (watch.next == nullptr ? last_ : watch.next->previous) = watch.previous;
}

void PollSet::begin_round() noexcept {
    has_events_ = false;
    for (Watch* watch = first_; watch != nullptr; watch = watch->next)
        watch->readable = watch->writable = false;
}

std::size_t PollSet::take(std::span<Event> ready) noexcept {
    std::size_t filled = 0;
    Watch* const end = last_;
    for (bool is_over = end == nullptr; !is_over && filled < ready.size();) {
        Watch& watch = *first_;
        is_over = &watch == end;
        leave_line(watch);
        if (!watch.readable && !watch.writable) continue;
        ready[filled++] = {watch.token, watch.readable, watch.writable};
        watch.readable = watch.writable = false;
        join_line(watch);
    }
    return filled;
}

} // namespace tidemill::detail
