// The host's loop polls; its callbacks record, and a uv_check_t, which libuv runs after each poll,
// turns the guest if anything was recorded or is due: steps 5 to 9 of a turn, as they stand in
// LoopCore. Input that is there is thus dispatched before timers that are due, as everywhere.
//
// Whatever has to be done without a socket's help makes a uv_idle_t active, which does nothing but
// to keep libuv from blocking: a timer that is due (libuv runs timers before it polls), and work
// that came up outside of the guest's turns. Its own turns end with a look at what is next.
//
// What keeps uv_run() going is counted by libuv: active handles, unless they are unreferenced. The
// check is never referenced, the async handle only while the loop expects news.
//
// libuv owns the handles until their close callbacks have run, which is when the host runs next. So
// they lie in a block of their own, which the last of these callbacks frees.

#include "core/loop_core.hpp"
#include "uv/poll_set.hpp"
#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <tidemill/uv/guest.hpp>

namespace tidemill::uv {
namespace {

/// What the handles' callbacks call.
class Callbacks {
public:
    virtual void on_news() noexcept = 0;
    virtual void on_check() noexcept = 0;

protected:
    ~Callbacks() = default;
};

struct Handles {
    uv_check_t check{};
    uv_idle_t idle{};
    uv_timer_t timer{};
    uv_async_t async{};
    Callbacks* callbacks = nullptr; ///< null while libuv lets go of them
    int open = 0;

    /// 0, or an error of libuv, which then knows none of them.
    [[nodiscard]] int init(uv_loop_t& host, Callbacks& told) noexcept {
        callbacks = &told;
        for (auto* each : all()) each->data = this;
        // The only one that can fail.
        if (const int status = ::uv_async_init(&host, &async, on_async); status != 0) return status;
        ::uv_check_init(&host, &check);
        ::uv_idle_init(&host, &idle);
        ::uv_timer_init(&host, &timer);
        ::uv_check_start(&check, [](uv_check_t* handle) { told_by(handle)->on_check(); });
        ::uv_unref(reinterpret_cast<uv_handle_t*>(&check));
        open = 4;
        return 0;
    }
    /// libuv is told to let go of them; the memory is freed when it has.
    void close() noexcept {
        callbacks = nullptr;
        for (auto* each : all())
            detail::close_own(each, [](uv_handle_t* closed) {
                auto* const self = static_cast<Handles*>(closed->data);
                if (--self->open == 0) const std::unique_ptr<Handles> dead(self);
            });
    }
    void set_idle(bool is_active) noexcept {
        if (is_active)
            ::uv_idle_start(&idle, [](uv_idle_t* handle) { told_by(handle)->on_news(); });
        else
            ::uv_idle_stop(&idle);
    }
    void start_timer(Duration left) noexcept {
        const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        ::uv_timer_start(&timer, on_timer, static_cast<std::uint64_t>(left_ms), 0);
    }

private:
    [[nodiscard]] std::array<uv_handle_t*, 4> all() noexcept {
        return {reinterpret_cast<uv_handle_t*>(&check), reinterpret_cast<uv_handle_t*>(&idle),
                reinterpret_cast<uv_handle_t*>(&timer), reinterpret_cast<uv_handle_t*>(&async)};
    }
    // No callback but the closing one runs on a handle that is being closed.
    template <class Handle> static Callbacks* told_by(Handle* handle) noexcept {
        return static_cast<Handles*>(handle->data)->callbacks;
    }
    static void on_async(uv_async_t* handle) noexcept { told_by(handle)->on_news(); }
    // Timers run before the poll, which must not block now.
    static void on_timer(uv_timer_t* handle) noexcept {
        static_cast<Handles*>(handle->data)->set_idle(true);
        told_by(handle)->on_news();
    }
};

/// The guest's view of the host's poll. Nobody waits here: the events are those that were recorded
/// since the last turn.
class GuestSelector final : public detail::Selector {
public:
    GuestSelector(uv_loop_t& host, uv_async_t& async) noexcept : polls_(host), async_(async) {}

    detail::PackedError add(NativeSocket socket, detail::Interest interest,
                            detail::Token token) override {
        return polls_.add(socket, interest, token);
    }
    detail::PackedError modify(NativeSocket socket, detail::Interest interest,
                               detail::Token token) override {
        return polls_.modify(socket, interest, token);
    }
    detail::PackedError remove(NativeSocket socket, detail::Token) override {
        return polls_.remove(socket);
    }
    void closing(NativeSocket socket, detail::Token, bool) override {
        static_cast<void>(polls_.remove(socket));
    }
    Result<std::size_t> wait(std::span<detail::Event> ready, Duration) override {
        const std::size_t count = polls_.take(ready);
        polls_.begin_round();
        return count;
    }
    void wake() noexcept override { ::uv_async_send(&async_); }
    [[nodiscard]] bool takes_foreign_sockets() const noexcept override { return true; }
    [[nodiscard]] const char* name() const noexcept override { return "uv"; }
    [[nodiscard]] bool has_events() const noexcept { return polls_.has_events(); }

private:
    detail::PollSet polls_;
    uv_async_t& async_;
};

std::unique_ptr<Handles> make_handles(uv_loop_t& host, Callbacks& callbacks) {
    auto handles = std::make_unique<Handles>();
    const detail::PackedError error = detail::uv_error(handles->init(host, callbacks));
    if (error) throw std::system_error(error.code(), "attach to a libuv loop");
    return handles;
}

} // namespace

class Guest::Attachment final : private Callbacks, private detail::LoopHost {
public:
    Attachment(uv_loop_t& host, const LoopOptions& options)
        : host_(host), options_(options), handles_(make_handles(host, *this).release()) {
        try {
            auto selector = std::make_unique<GuestSelector>(host, handles_->async);
            selector_ = selector.get();
            detail::Seams seams{std::move(selector), nullptr};
            loop_.emplace(std::make_unique<detail::LoopCore>(options, std::move(seams)));
        } catch (...) {
            handles_->close();
            throw;
        }
        core().become_guest(*this);
        // Tasks may be started, and sockets opened, before the host runs for the first time.
        handles_->set_idle(true);
    }
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    ~Attachment() {
        core().forget_host();
        loop_.reset(); // other threads may wake it until here
        if (handles_ != nullptr) handles_->close();
    }

    [[nodiscard]] EventLoop& loop() noexcept { return *loop_; }
    [[nodiscard]] bool is_attached() const noexcept { return handles_ != nullptr; }

    Result<void> detach() {
        if (!is_attached()) return {};
        Result<std::unique_ptr<detail::Selector>> selector =
            detail::make_selector(options_.selector);
        if (!selector) return failure(selector.error());
        if (const detail::PackedError error = core().end_guest(std::move(*selector)))
            return failure(error.code());
        selector_ = nullptr;
        std::exchange(handles_, nullptr)->close();
        return {};
    }

    void rethrow_exception() {
        if (kept_ != nullptr) std::rethrow_exception(std::exchange(kept_, nullptr));
    }

private:
    [[nodiscard]] detail::LoopCore& core() noexcept { return loop_->core(); }

    void work_came_up() noexcept override { handles_->set_idle(true); }
    void on_news() noexcept override { has_news_ = true; }

    // The host polls for itself most of the time.
    void on_check() noexcept override {
        const bool has_events = selector_->has_events();
        if (!has_news_ && !has_events) return;
        has_news_ = false;
        if (!has_events && is_shortened_) options_.clock->idle_for(planned_);
        turn();
        if (is_attached()) plan();
    }

    void turn() noexcept {
        try {
            core().guest_turn();
        } catch (...) {
            if (kept_ != nullptr)
                ++core().counters().failed_tasks;
            else
                kept_ = std::current_exception();
            ::uv_stop(&host_);
        }
    }

    // Looks at what is next, and makes libuv wait for it and no longer.
    void plan() noexcept {
        const Duration left = core().time_left_alone();
        handles_->set_idle(left == Duration::zero());
        planned_ = left;
        is_shortened_ = false;
        if (left > Duration::zero())
            start_timer(left);
        else
            ::uv_timer_stop(&handles_->timer);
        auto* const async = reinterpret_cast<uv_handle_t*>(&handles_->async);
        core().expects_news() ? ::uv_ref(async) : ::uv_unref(async);
    }

    void start_timer(Duration left) noexcept {
        constexpr Duration longest_wait = std::chrono::hours(24);
        Duration allowed = left;
        if (options_.clock != nullptr) allowed = options_.clock->longest_wait(left);
        is_shortened_ = allowed < left;
        handles_->start_timer(std::min(allowed, longest_wait));
    }

    uv_loop_t& host_;
    const LoopOptions options_;
    Handles* handles_; ///< null: detached; their close callbacks free them
    GuestSelector* selector_ = nullptr;
    std::optional<EventLoop> loop_;
    std::exception_ptr kept_;
    Duration planned_{0};
    bool is_shortened_ = false; ///< a replaced clock does not wait for as long as planned
    bool has_news_ = false;
};

Guest::Guest(uv_loop_s& host, const LoopOptions& options)
    : attachment_(std::make_unique<Attachment>(host, options)) {}

Guest::~Guest() = default;

EventLoop& Guest::loop() noexcept { return attachment_->loop(); }

bool Guest::is_attached() const noexcept { return attachment_->is_attached(); }

Result<void> Guest::detach() { return attachment_->detach(); }

void Guest::rethrow_exception() { attachment_->rethrow_exception(); }

} // namespace tidemill::uv
