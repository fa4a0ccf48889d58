// A libuv program, as far as the tests need one.
#pragma once

#include <chrono>
#include <doctest/doctest.h>
#include <functional>
#include <tidemill/tidemill.hpp>
#include <uv.h>

namespace tidemill::uv_tests {

using namespace std::chrono_literals;

/// A libuv loop that must be left without handles.
class Host {
public:
    Host() { REQUIRE(::uv_loop_init(&loop_) == 0); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() {
        ::uv_run(&loop_, UV_RUN_NOWAIT); // the close callbacks
        CHECK(::uv_loop_close(&loop_) == 0);
    }
    [[nodiscard]] uv_loop_t& loop() noexcept { return loop_; }
    /// What uv_run() gives: not 0 if something is left to wait for.
    int run(uv_run_mode mode = UV_RUN_DEFAULT) noexcept { return ::uv_run(&loop_, mode); }
    void stop() noexcept { ::uv_stop(&loop_); }

private:
    uv_loop_t loop_{};
};

/// A handle of the host itself, closed when it goes.
template <class Handle> class HostHandle {
public:
    HostHandle() = default;
    HostHandle(const HostHandle&) = delete;
    HostHandle& operator=(const HostHandle&) = delete;
    ~HostHandle() {
        auto* const base = reinterpret_cast<uv_handle_t*>(handle_);
        if (::uv_is_closing(base) != 0) return; // lost
        ::uv_close(base, [](uv_handle_t* dead) { delete reinterpret_cast<Handle*>(dead); });
    }

protected:
    Handle* handle_ = new Handle();
};

class HostTimer : private HostHandle<uv_timer_t> {
public:
    explicit HostTimer(Host& host) {
        ::uv_timer_init(&host.loop(), handle_);
        handle_->data = this;
    }
    /// Calls `callback` after `delay`, and then again and again if `repeats`.
    void start(std::chrono::milliseconds delay, std::function<void()> callback,
               bool repeats = false) {
        callback_ = std::move(callback);
        const auto ms = static_cast<std::uint64_t>(delay.count());
        ::uv_timer_start(handle_, call, ms, repeats ? ms : 0);
    }
    void stop() noexcept { ::uv_timer_stop(handle_); }

private:
    static void call(uv_timer_t* handle) {
        const auto callback = static_cast<HostTimer*>(handle->data)->callback_;
        callback();
    }
    std::function<void()> callback_;
};

/// Calls `callback` in every turn of the host, which never blocks meanwhile.
class HostIdle : private HostHandle<uv_idle_t> {
public:
    HostIdle(Host& host, std::function<void()> callback) : callback_(std::move(callback)) {
        ::uv_idle_init(&host.loop(), handle_);
        handle_->data = this;
        ::uv_idle_start(handle_, call);
    }
    void stop() noexcept { ::uv_idle_stop(handle_); }

private:
    static void call(uv_idle_t* handle) { static_cast<HostIdle*>(handle->data)->callback_(); }
    std::function<void()> callback_;
};

/// Ends a test that would hang: it stops the host after five seconds, unreferenced.
class Ceiling : private HostHandle<uv_timer_t> {
public:
    explicit Ceiling(Host& host) {
        ::uv_timer_init(&host.loop(), handle_);
        ::uv_unref(reinterpret_cast<uv_handle_t*>(handle_));
        handle_->data = this;
        ::uv_timer_start(
            handle_,
            [](uv_timer_t* handle) {
                static_cast<Ceiling*>(handle->data)->is_reached_ = true;
                ::uv_stop(handle->loop);
            },
            5000, 5000);
    }
    [[nodiscard]] bool is_reached() const noexcept { return is_reached_; }

private:
    bool is_reached_ = false;
};

} // namespace tidemill::uv_tests
