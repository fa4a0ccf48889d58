// Looks a name up with c-ares, whose sockets tidemill waits for:
//
//     cares_lookup NAME [DNS_SERVER:PORT]
//
// c-ares opens and closes its sockets itself and says what it wants to wait for. Each socket gets a
// task that watches it. c-ares tells of a change before it closes a socket, and the task is
// destroyed there and then, so that no watch outlives its socket.
#include <ares.h>
#include <arpa/inet.h>
#include <cstdio>
#include <map>
#include <tidemill/tidemill.hpp>

using namespace tidemill;
using namespace std::chrono_literals;

namespace {

class Resolver {
public:
    explicit Resolver(EventLoop& loop) : loop_(loop) {
        ares_options options{};
        options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
            static_cast<Resolver*>(self)->on_change(socket, readable != 0, writable != 0);
        };
        options.sock_state_cb_data = this;
        options.timeout = 1000; // of the first try, in milliseconds
        options.tries = 2;
        const int wanted = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
        status_ = ::ares_init_options(&channel_, &options, wanted);
    }
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver() {
        if (channel_ != nullptr) ::ares_destroy(channel_);
    }

    /// Null: it went well; else what went wrong.
    [[nodiscard]] const char* use_server(const char* address) {
        if (status_ == ARES_SUCCESS) status_ = ::ares_set_servers_ports_csv(channel_, address);
        return status_ == ARES_SUCCESS ? nullptr : ::ares_strerror(status_);
    }

    /// Prints the addresses; false if there are none.
    Task<bool> look_up(const char* name) {
        if (status_ != ARES_SUCCESS) co_return false;
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_INET;
        const auto on_answer = [](void* self, int status, int, ares_addrinfo* found) {
            static_cast<Resolver*>(self)->on_answer(status, found);
        };
        ::ares_getaddrinfo(channel_, name, nullptr, &hints, on_answer, this);
        auto waited = co_await has_ended_.wait(within(20s));
        co_return waited.has_value() && has_addresses_;
    }

private:
    void on_change(ares_socket_t socket, bool wants_read, bool wants_write) {
        watching_.erase(socket); // destroys the task, and with it the watch
        Interest interest = wants_read ? Interest::read : Interest::none;
        if (wants_write) interest = interest | Interest::write;
        if (interest == Interest::none) return;
        TaskScope& scope = watching_.try_emplace(socket, loop_).first->second;
        scope.spawn(watch(socket, interest));
    }

    // c-ares counts the time of its tries itself, and wants to be called when it is over; a try may
    // begin after this does, so nobody sleeps for long.
    Task<void> watch(ares_socket_t socket, Interest interest) {
        for (;;) {
            timeval longest{1, 0};
            timeval room{};
            const timeval left = *::ares_timeout(channel_, &longest, &room);
            const Duration limit =
                std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
            auto ready = co_await loop_.watch(socket, interest, within(limit));
            if (!ready && ready.error() != Errc::deadline_expired) co_return;
            const bool can_read = ready && includes(*ready, Interest::read);
            const bool can_write = ready && includes(*ready, Interest::write);
            // This may close the socket, and so end this task as soon as it waits again.
            ::ares_process_fd(channel_, can_read ? socket : ARES_SOCKET_BAD,
                              can_write ? socket : ARES_SOCKET_BAD);
        }
    }

    void on_answer(int status, ares_addrinfo* found) {
        if (status != ARES_SUCCESS)
            std::fprintf(stderr, "cares_lookup: %s\n", ::ares_strerror(status));
        for (const auto* node = found != nullptr ? found->nodes : nullptr; node != nullptr;
             node = node->ai_next) {
            char text[INET6_ADDRSTRLEN] = "";
            const auto* const address = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
            ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
            std::printf("%s\n", text);
            has_addresses_ = true;
        }
        if (found != nullptr) ::ares_freeaddrinfo(found);
        has_ended_.set();
    }

    EventLoop& loop_;
    std::map<ares_socket_t, TaskScope> watching_;
    Event has_ended_;
    bool has_addresses_ = false;
    int status_ = ARES_SUCCESS;
    ares_channel channel_ = nullptr;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 2 || ::ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        std::fprintf(stderr, "usage: cares_lookup NAME [DNS_SERVER:PORT]\n");
        return 2;
    }
    bool is_found = false;
    {
        EventLoop loop;
        Resolver resolver(loop);
        const char* const error = argc > 2 ? resolver.use_server(argv[2]) : nullptr;
        if (error != nullptr)
            std::fprintf(stderr, "cares_lookup: %s: %s\n", argv[2], error);
        else
            is_found = loop.run(resolver.look_up(argv[1]));
    }
    ::ares_library_cleanup();
    return is_found ? 0 : 1;
}
