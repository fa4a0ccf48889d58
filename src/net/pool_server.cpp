// How the loops of a pool share an address.
//
// By the kernel: each loop adopts a listening socket of its own. By hand: each loop has a seat. The
// acceptor, which is the first loop, posts sockets to the seats in turn; what happens at a seat
// happens on its loop's thread, where the sink is written as well, so the only thing that threads
// look at together is whether a seat is taken. A socket on its way is owned by the closure: if the
// loop goes before it has run, the connection is reset.
#include "net/listening_socket.hpp"
#include "net/server_core.hpp"
#include <atomic>
#include <deque>
#include <tidemill/core/require.hpp>
#include <tidemill/net/pool_server.hpp>
#include <utility>

namespace tidemill {
namespace detail {

struct Seat {
    explicit Seat(Remote mailbox) noexcept : remote(std::move(mailbox)) {}
    Remote remote;
    std::atomic<bool> is_open{false};
    ConnectionSink* sink = nullptr; ///< of the seat's own thread
    NativeSocket listening = invalid_socket;
    bool has_server = false; ///< of the seat's own thread
};

struct PoolListening {
    PoolListening(const LoopPool& pool, Spread how, const ListenOptions& with)
        : spread(how), options(with) {
        for (std::size_t i = 0; i < pool.size(); ++i) seats.emplace_back(pool.remote(i));
    }
    PoolListening(const PoolListening&) = delete;
    PoolListening& operator=(const PoolListening&) = delete;
    ~PoolListening() {
        for (const Seat& seat : seats)
            if (seat.listening != invalid_socket) native_sockets().close(seat.listening);
    }
    [[nodiscard]] Result<void> open(const Endpoint& address);
    [[nodiscard]] Result<void> find_free(const Endpoint& address) const;

    const Spread spread;
    ListenOptions options;
    Endpoint endpoint;
    std::deque<Seat> seats; // they do not move
    std::atomic<bool> wants_peer{false};
};

// Sockets that share a port let any other of the same user in: a second server, started by
// mistake, would take its part of the connections and nobody would be told.
Result<void> PoolListening::find_free(const Endpoint& address) const {
    if (options.reuse_port || address.port() == 0) return {};
    const auto alone = open_listening_socket(native_sockets(), address, options);
    if (!alone) return failure(alone.error());
    native_sockets().close(alone->socket);
    return {};
}

Result<void> PoolListening::open(const Endpoint& address) {
    if (auto free = find_free(address); !free) return free;
    options.reuse_port = spread == Spread::by_kernel;
    endpoint = address;
    for (Seat& seat : seats) {
        auto opened = open_listening_socket(native_sockets(), endpoint, options);
        if (!opened) return failure(std::move(opened.error()));
        seat.listening = opened->socket;
        endpoint = opened->endpoint;
        if (spread == Spread::by_hand_over) break; // the first loop's is the only one
    }
    return {};
}

namespace {

using State = std::shared_ptr<PoolListening>;

/// A socket on its way to another loop.
class HandedOver {
public:
    HandedOver(State state, std::size_t seat, NativeSocket socket, const Endpoint& peer) noexcept
        : state_(std::move(state)), seat_(seat), socket_(socket), peer_(peer) {}
    HandedOver(const HandedOver&) = delete;
    HandedOver& operator=(const HandedOver&) = delete;
    ~HandedOver() {
        if (socket_ != invalid_socket) native_sockets().close_with_reset(socket_);
    }
    /// On the thread of the seat.
    void arrive() {
        ConnectionSink* const sink = state_->seats[seat_].sink;
        if (sink == nullptr) return; // it has stopped meanwhile
        static_cast<void>(sink->on_connection(take_back(), peer_));
    }
    NativeSocket take_back() noexcept { return std::exchange(socket_, invalid_socket); }

private:
    State state_;
    std::size_t seat_;
    NativeSocket socket_;
    Endpoint peer_;
};

/// The connections of a loop that are handed over, by itself if it is the first.
class SeatSource final : public ConnectionSource, private ConnectionSink {
public:
    SeatSource(State state, std::size_t seat, std::unique_ptr<TcpListener> listener) noexcept
        : state_(std::move(state)), own_(seat), listener_(std::move(listener)) {}
    ~SeatSource() override { close(); }

    void feed(ConnectionSink& sink) override {
        seat().sink = &sink;
        if (sink.wants_peer()) state_->wants_peer.store(true);
        seat().is_open.store(true);
        if (listener_ != nullptr) listener_->feed(*this);
    }
    void close() noexcept override {
        is_closed_ = true;
        seat().is_open.store(false);
        seat().sink = nullptr;
        if (listener_ != nullptr) listener_->close();
    }
    [[nodiscard]] bool is_open() const noexcept override { return !is_closed_; }
    [[nodiscard]] const Endpoint& endpoint() const noexcept override { return state_->endpoint; }

private:
    [[nodiscard]] Seat& seat() const noexcept { return state_->seats[own_]; }
    [[nodiscard]] bool on_connection(NativeSocket socket, const Endpoint& peer) noexcept override;
    [[nodiscard]] bool wants_peer() const noexcept override { return state_->wants_peer.load(); }
    void on_accept_pause(PackedError reason) noexcept override {
        seat().sink->on_accept_pause(reason);
    }
    void on_listener_gone() noexcept override {}
    [[nodiscard]] bool post_to(std::size_t index, NativeSocket socket,
                               const Endpoint& peer) const noexcept;

    State state_;
    std::size_t own_;
    std::size_t next_ = 0;
    std::unique_ptr<TcpListener> listener_;
    bool is_closed_ = false;
};

// What is refused is still ours, whatever has become of the closure.
bool SeatSource::post_to(std::size_t index, NativeSocket socket,
                         const Endpoint& peer) const noexcept {
    std::shared_ptr<HandedOver> handed;
    bool is_accepted = false;
    try {
        handed = std::make_shared<HandedOver>(state_, index, socket, peer);
        is_accepted = state_->seats[index].remote.post([handed] { handed->arrive(); });
    } catch (const std::bad_alloc&) {
        is_accepted = false;
    }
    if (!is_accepted && handed != nullptr) static_cast<void>(handed->take_back());
    return is_accepted;
}

bool SeatSource::on_connection(NativeSocket socket, const Endpoint& peer) noexcept {
    const std::size_t count = state_->seats.size();
    for (std::size_t tries = 0; tries < count; ++tries) {
        const std::size_t index = next_;
        next_ = (next_ + 1) % count;
        if (index == own_) return seat().sink->on_connection(socket, peer);
        if (!state_->seats[index].is_open.load()) continue;
        if (post_to(index, socket, peer)) return true;
    }
    return seat().sink->on_connection(socket, peer);
}

// An adopted socket has an owner; the others still belong to the state.
Result<std::unique_ptr<TcpListener>> adopt_from(Seat& seat, EventLoop& loop,
                                                const ListenOptions& options) {
    if (seat.listening == invalid_socket) return std::unique_ptr<TcpListener>();
    auto listener = TcpListener::adopt(loop, seat.listening, options);
    if (listener) seat.listening = invalid_socket;
    return listener;
}

Spread usable(Spread wanted) noexcept {
    if (wanted != Spread::automatic) return wanted;
    return shared_ports_are_balanced() ? Spread::by_kernel : Spread::by_hand_over;
}

} // namespace
} // namespace detail

using detail::PoolListening;

Result<PoolListener> PoolListener::listen(const LoopPool& pool, std::string_view address,
                                          const ListenOptions& options, Spread spread) {
    const Result<Endpoint> endpoint = Endpoint::parse(address);
    if (!endpoint) return failure(endpoint.error());
    return listen(pool, *endpoint, options, spread);
}

Result<PoolListener> PoolListener::listen(const LoopPool& pool, const Endpoint& address,
                                          const ListenOptions& options, Spread spread) {
    auto state = std::make_shared<PoolListening>(pool, detail::usable(spread), options);
    auto opened = state->open(address);
    if (!opened) return failure(std::move(opened.error()));
    return PoolListener(std::move(state));
}

PoolListener::PoolListener(std::shared_ptr<PoolListening> state) noexcept
    : state_(std::move(state)) {}
PoolListener::PoolListener(PoolListener&& other) noexcept = default;
PoolListener& PoolListener::operator=(PoolListener&& other) noexcept = default;
PoolListener::~PoolListener() = default;

Result<Server> PoolListener::server_on(PoolLoop& here, const ServerOptions& options) {
    TIDEMILL_REQUIRE(here.index() < state_->seats.size(),
                     "a PoolListener serves the pool that it was made for");
    detail::Seat& seat = state_->seats[here.index()];
    TIDEMILL_REQUIRE(!seat.has_server, "a PoolListener gives each loop one server");
    seat.has_server = true;
    auto listener = detail::adopt_from(seat, here.loop(), state_->options);
    if (!listener) return failure(std::move(listener.error()));
    if (state_->spread == Spread::by_kernel)
        return Server::over(here.loop(), std::move(*listener), options);
    return Server(std::make_shared<detail::ServerCore>(
        here.loop(),
        std::make_unique<detail::SeatSource>(state_, here.index(), std::move(*listener)), options));
}

const Endpoint& PoolListener::endpoint() const noexcept { return state_->endpoint; }

Spread PoolListener::spread() const noexcept { return state_->spread; }

} // namespace tidemill
