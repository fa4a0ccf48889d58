// One turn of libuv's loop is one wait: UV_RUN_ONCE blocks until a callback has run, and the
// callbacks only record. A uv_timer_t ends a wait by time and a uv_async_t by a wake.
//
// libuv's clock counts whole milliseconds, rounded down, so that its timers may end a wait up to a
// millisecond early: the wait then goes on for the rest, by libuv's precise clock.
//
// libuv waits again when a signal interrupts it, so here a signal does not end a wait.

#include "uv/uv_selector.hpp"
#include "uv/poll_set.hpp"
#include <algorithm>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {
namespace {

/// No wait lasts longer: it returns early with no event, which is always allowed.
constexpr Duration longest_wait = std::chrono::hours(24);

void close(void* handle) noexcept { ::uv_close(static_cast<uv_handle_t*>(handle), nullptr); }

Duration precise_now() noexcept { return Duration(static_cast<std::int64_t>(::uv_hrtime())); }

class UvSelector final : public Selector {
public:
    UvSelector() = default;
    UvSelector(const UvSelector&) = delete;
    UvSelector& operator=(const UvSelector&) = delete;
    ~UvSelector() override {
        if (!is_open_) return;
        polls_.reset();
        close(&timer_);
        if (has_async_) close(&wake_);
        ::uv_run(&loop_, UV_RUN_DEFAULT); // only the close callbacks are left to run
        const bool is_closed = ::uv_loop_close(&loop_) == 0;
        TIDEMILL_REQUIRE(is_closed, "a selector's libuv loop has no handles of strangers");
    }

    /// 0, or an error of libuv; then this object can only be destroyed.
    [[nodiscard]] int open() {
        if (const int status = ::uv_loop_init(&loop_); status != 0) return status;
        is_open_ = true;
        ::uv_timer_init(&loop_, &timer_);
        polls_ = std::make_unique<PollSet>(loop_);
        wake_.data = this;
        const int status = ::uv_async_init(&loop_, &wake_, on_wake);
        has_async_ = status == 0;
        return status;
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        return polls_->add(socket, interest, token);
    }
    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        return polls_->modify(socket, interest, token);
    }
    PackedError remove(NativeSocket socket, Token) override { return polls_->remove(socket); }
    void closing(NativeSocket socket, Token, bool) override {
        static_cast<void>(polls_->remove(socket));
    }

    Result<std::size_t> wait(std::span<Event> ready, Duration timeout) override {
        polls_->begin_round();
        is_woken_ = false;
        if (timeout <= Duration::zero())
            ::uv_run(&loop_, UV_RUN_NOWAIT);
        else if (timeout == forever)
            wait_for_anything();
        else
            wait_until(precise_now() + std::min(timeout, longest_wait));
        return polls_->take(ready);
    }

    void wake() noexcept override { ::uv_async_send(&wake_); }
    [[nodiscard]] bool takes_foreign_sockets() const noexcept override { return true; }
    [[nodiscard]] const char* name() const noexcept override { return "uv"; }

private:
    [[nodiscard]] bool has_ended() const noexcept { return is_woken_ || polls_->has_events(); }

    // libuv also returns when it was only done with a closed handle.
    void wait_for_anything() noexcept {
        do {
            ::uv_run(&loop_, UV_RUN_ONCE);
        } while (!has_ended());
    }

    void wait_until(Duration moment) noexcept {
        using std::chrono::milliseconds;
        for (Duration left = moment - precise_now(); left > Duration::zero() && !has_ended();
             left = moment - precise_now()) {
            const auto left_ms = std::chrono::ceil<milliseconds>(left).count();
            ::uv_update_time(&loop_);
            ::uv_timer_start(&timer_, on_time, static_cast<std::uint64_t>(left_ms), 0);
            ::uv_run(&loop_, UV_RUN_ONCE);
        }
        ::uv_timer_stop(&timer_);
    }

    // A timer that is due when libuv begins its turn runs before the poll, which would then block
    // without end.
    static void on_time(uv_timer_t* handle) noexcept { ::uv_stop(handle->loop); }
    static void on_wake(uv_async_t* handle) noexcept {
        static_cast<UvSelector*>(handle->data)->is_woken_ = true;
    }

    uv_loop_t loop_{};
    uv_timer_t timer_{};
    uv_async_t wake_{};
    std::unique_ptr<PollSet> polls_;
    bool is_open_ = false;
    bool has_async_ = false;
    bool is_woken_ = false;
};

} // namespace

Result<std::unique_ptr<Selector>> make_uv_selector() {
    auto selector = std::make_unique<UvSelector>();
    if (const PackedError error = uv_error(selector->open())) return failure(error.code());
    return std::unique_ptr<Selector>(std::move(selector));
}

} // namespace tidemill::detail
