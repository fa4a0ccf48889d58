#include "core/loop_core.hpp"
#include "net/listening_socket.hpp"
#include "net/tcp_options.hpp"
#include <new>
#include <tidemill/core/require.hpp>
#include <tidemill/net/tcp_listener.hpp>

namespace tidemill {

using detail::Interest;
using detail::PackedError;

namespace detail {

// Listeners that found no descriptor or no memory left. The first descriptor that the loop closes
// wakes them all: the others will pause again at the price of one call each.
class PausedListeners final : public LoopExtension {
public:
    void add(TcpListener& listener) noexcept {
        listener.next_paused_ = first_;
        first_ = &listener;
    }
    void remove(TcpListener& listener) noexcept {
        for (TcpListener** link = &first_; *link != nullptr; link = &(*link)->next_paused_)
            if (*link == &listener) {
                *link = listener.next_paused_;
                return;
            }
    }
    void on_descriptor_freed() noexcept override {
        // Not accepted here: the caller is in the middle of closing something.
        for (TcpListener* listener = first_; listener != nullptr; listener = listener->next_paused_)
            listener->resume_soon();
    }
    void on_loop_gone() noexcept override { first_ = nullptr; }

private:
    TcpListener* first_ = nullptr;
};

} // namespace detail

namespace {

constexpr PackedError would_block = std::errc::operation_would_block;
constexpr int accepts_per_turn = 64;
constexpr std::int64_t back_off_ns = 50'000'000;

bool is_shortage(PackedError error) noexcept {
    return error == PackedError(std::errc::too_many_files_open) ||
           error == PackedError(std::errc::too_many_files_open_in_system) ||
           error == PackedError(std::errc::no_buffer_space) ||
           error == PackedError(std::errc::not_enough_memory);
}

} // namespace

// Making and closing

Result<std::unique_ptr<TcpListener>> TcpListener::listen(EventLoop& loop, const Endpoint& local,
                                                         const ListenOptions& options) {
    detail::Sockets& sockets = loop.core().sockets();
    const auto opened = detail::open_listening_socket(sockets, local, options);
    if (!opened) return failure(opened.error());
    try {
        return std::unique_ptr<TcpListener>(
            new TcpListener(loop.core(), opened->socket, opened->endpoint));
    } catch (const std::bad_alloc&) {
        sockets.close(opened->socket);
        return failure(Error(std::make_error_code(std::errc::not_enough_memory),
                             "listen on " + local.to_string()));
    }
}

Result<std::unique_ptr<TcpListener>> TcpListener::adopt(EventLoop& loop, NativeSocket socket,
                                                        const ListenOptions& options) {
    detail::Sockets& sockets = loop.core().sockets();
    PackedError error = sockets.adopt_listener(socket);
    if (!error) error = detail::apply_options(sockets, socket, options.stream, true);
    detail::EndpointResult bound;
    if (!error) {
        bound = sockets.local_endpoint(socket);
        error = bound.error;
    }
    // A listening socket has a port; what has none is of another family.
    if (!error && bound.endpoint.port() == 0) error = std::errc::invalid_argument;
    if (error) return failure(Error(error.code(), "adopt a listening socket"));
    return std::unique_ptr<TcpListener>(new TcpListener(loop.core(), socket, bound.endpoint));
}

TcpListener::TcpListener(detail::LoopCore& loop, NativeSocket socket, const Endpoint& endpoint)
    : loop_(&loop), socket_(socket), slot_(loop.attach(*this)), endpoint_(endpoint) {}

TcpListener::~TcpListener() { close(); }

void TcpListener::close() noexcept {
    if (!is_open()) return;
    cancel();
    end_pause();
    loop_->closing(slot_, socket_, interest_, false);
    loop_->sockets().close(socket_);
    loop_->detach(slot_);
    loop_->descriptor_freed();
    socket_ = invalid_socket;
    interest_ = Interest::none;
    loop_ = nullptr;
}

void TcpListener::on_loop_gone() noexcept {
    if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->forget();
    if (lacks_descriptors_) end_pause();
    loop_->closing(slot_, socket_, interest_, false);
    loop_->sockets().close(socket_);
    socket_ = invalid_socket;
    loop_ = nullptr;
    if (sink_ != nullptr) std::exchange(sink_, nullptr)->on_listener_gone();
}

void TcpListener::cancel() noexcept {
    if (waiter_ != nullptr) waiter_->try_cancel();
}

void TcpListener::abandon(detail::Operation&) noexcept { waiter_ = nullptr; }

// Accepting

bool AcceptOperation::start(detail::PromiseBase& waiter) noexcept {
    return listener_.start_accept(*this, waiter);
}

bool TcpListener::start_accept(AcceptOperation& request, detail::PromiseBase& waiter) noexcept {
    TIDEMILL_REQUIRE(waiter_ == nullptr && sink_ == nullptr,
                     "a listener is waited on by one task at a time");
    PackedError error = is_open() ? PackedError() : PackedError(Errc::closed_locally);
    if (!error && !lacks_descriptors_) error = watch(Interest::read);
    if (error) {
        request.yield(waiter, error);
        return true;
    }
    waiter_ = &request;
    request.park_timed(*this, waiter);
    return true;
}

Result<TcpStream> AcceptOperation::await_resume() {
    if (error()) return failure(error().code());
    return std::move(accepted_);
}

void TcpListener::on_readable() noexcept {
    if (sink_ != nullptr) {
        detail::LoopCore& loop = *loop_;
        feed_sink(); // which may end with this listener gone
        return loop.after_callback("accept");
    }
    if (waiter_ == nullptr) return static_cast<void>(watch(Interest::none));
    NativeSocket accepted = invalid_socket;
    if (!accept_one(accepted, nullptr)) return;
    AcceptOperation& request = *waiter_;
    try {
        request.accepted_ = TcpStream(*loop_, accepted, detail::InTurn{});
    } catch (const std::bad_alloc&) { // the connection is lost, and the wait goes on
        ++loop_->counters().accept_errors;
        return loop_->sockets().close_with_reset(accepted);
    }
    waiter_ = nullptr;
    request.finish_now({});
}

void TcpListener::feed_sink() noexcept {
    const detail::Token self = loop_->token(slot_);
    for (int i = 0; i < accepts_per_turn; ++i) {
        Endpoint peer;
        NativeSocket accepted = invalid_socket;
        if (!accept_one(accepted, sink_->wants_peer() ? &peer : nullptr)) return;
        detail::LoopCore& loop = *loop_;
        const bool goes_on = sink_->on_connection(accepted, peer);
        if (!goes_on || loop.find(self) == nullptr) return; // the handler may have closed us
    }
}

// False: nothing more for now. Errors that concern one connection only are skipped, since the next
// one in the queue is none the worse for them. So many of them in a row concern more than one, and
// going on would be spinning.
bool TcpListener::accept_one(NativeSocket& accepted, Endpoint* peer) noexcept {
    PackedError error;
    for (int i = 0; i < accepts_per_turn; ++i) {
        const detail::SocketResult result = loop_->sockets().accept(socket_, peer);
        error = result.error;
        if (!error) {
            accepted = result.socket;
            return true;
        }
        if (error == would_block) {
            has_told_shortage_ = false; // nobody waits any more
            return false;
        }
        if (is_shortage(error)) break;
        ++loop_->counters().accept_errors;
    }
    begin_pause(error);
    return false;
}

// Shortage of descriptors or memory

void TcpListener::begin_pause(PackedError reason) noexcept {
    auto& paused = loop_->extension(detail::ExtensionSlot::descriptor_relief);
    if (paused == nullptr) paused.reset(new (std::nothrow) detail::PausedListeners());
    if (paused != nullptr) static_cast<detail::PausedListeners&>(*paused).add(*this);
    static_cast<void>(watch(Interest::none));
    lacks_descriptors_ = true;
    ++loop_->counters().accept_pauses;
    loop_->wheel().arm(*this, loop_->moment_after(back_off_ns));
    if (sink_ != nullptr && !std::exchange(has_told_shortage_, true))
        sink_->on_accept_pause(reason);
}

void TcpListener::resume_soon() noexcept { loop_->wheel().arm(*this, loop_->now_ns()); }

void TcpListener::end_pause() noexcept {
    loop_->wheel().cancel(*this);
    if (!std::exchange(lacks_descriptors_, false)) return;
    auto& paused = loop_->extension(detail::ExtensionSlot::descriptor_relief);
    if (paused != nullptr) static_cast<detail::PausedListeners&>(*paused).remove(*this);
}

void TcpListener::on_timer() noexcept {
    end_pause();
    if (waiter_ == nullptr && (sink_ == nullptr || is_paused_)) return;
    if (const PackedError error = watch(Interest::read)) begin_pause(error); // the selector's turn
}

// For Server

void TcpListener::feed(detail::ConnectionSink& sink) noexcept {
    TIDEMILL_REQUIRE(waiter_ == nullptr,
                     "a listener that a task waits on is not given to a server");
    sink_ = &sink;
    pause(false);
}

void TcpListener::pause(bool paused) noexcept {
    is_paused_ = paused;
    if (!is_open() || lacks_descriptors_) return;
    if (const PackedError error = watch(paused ? Interest::none : Interest::read))
        begin_pause(error);
}

PackedError TcpListener::watch(Interest wanted) noexcept {
    return loop_->watch(slot_, socket_, interest_, wanted);
}

} // namespace tidemill
