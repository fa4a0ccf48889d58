// Signals on Windows: console control events, which the system tells on a thread of its own.
//
//     control-C                       Signal::interrupt
//     control-break                   Signal::terminate: all that one process can ask of another
//     the console window is closed    Signal::hangup
//     the user logs off, shutdown     Signal::terminate
//
// The other signals may be named and never come. After the last three events the process is ended
// as soon as the handler returns, and in any case after some seconds: the handler waits, so that
// the loop has that time for its orderly end.

#include "win32/console_signals.hpp"
#include "service/signal_catcher.hpp"
#include "win32/waker.hpp"
#include "win32/winsock_error.hpp"
#include <array>
#include <mutex>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {
namespace {

constexpr std::size_t signal_count = static_cast<std::size_t>(Signal::broken_pipe) + 1;

class ConsoleSignalCatcher;

/// Who has which signal. The handler runs on another thread, hence the lock.
struct Registry {
    std::mutex mutex;
    std::array<ConsoleSignalCatcher*, signal_count> catchers{};
    std::size_t taken = 0;
};

Registry& registry() noexcept {
    static Registry only;
    return only;
}

Signal signal_of(DWORD event) noexcept {
    switch (event) {
    case CTRL_C_EVENT: return Signal::interrupt;
    case CTRL_CLOSE_EVENT: return Signal::hangup;
    default: return Signal::terminate;
    }
}

BOOL WINAPI handle(DWORD event) noexcept {
    if (!on_console_event(event)) return FALSE;
    if (is_last_event(event)) ::Sleep(INFINITE); // ended with the process
    return TRUE;
}

class ConsoleSignalCatcher final : public SignalCatcher {
public:
    explicit ConsoleSignalCatcher(std::unique_ptr<Waker> waker) noexcept
        : waker_(std::move(waker)) {}
    ConsoleSignalCatcher(const ConsoleSignalCatcher&) = delete;
    ConsoleSignalCatcher& operator=(const ConsoleSignalCatcher&) = delete;

    ~ConsoleSignalCatcher() override {
        bool is_last = false;
        {
            const std::lock_guard lock(registry().mutex);
            for (auto& catcher : registry().catchers) {
                if (catcher != this) continue;
                catcher = nullptr;
                is_last = --registry().taken == 0;
            }
        }
        if (is_last) ::SetConsoleCtrlHandler(handle, FALSE);
    }

    [[nodiscard]] PackedError take_over(Signal signal) noexcept {
        bool is_first = false;
        {
            const std::lock_guard lock(registry().mutex);
            ConsoleSignalCatcher*& catcher = registry().catchers[static_cast<std::size_t>(signal)];
            if (catcher == this) return {}; // named twice
            TIDEMILL_REQUIRE(catcher == nullptr,
                             "a signal belongs to one Signals object at a time");
            catcher = this;
            is_first = ++registry().taken == 1;
        }
        if (is_first && ::SetConsoleCtrlHandler(handle, TRUE) == FALSE) return last_system_error();
        return {};
    }

    /// Called under the registry's lock, so that this object is still there.
    void note(Signal signal) noexcept {
        has_come_[static_cast<std::size_t>(signal)].store(true);
        waker_->wake();
    }

    [[nodiscard]] NativeSocket readable_end() const noexcept override {
        return waker_->readable_end();
    }
    void drain() noexcept override { waker_->drain(); }
    [[nodiscard]] std::optional<Signal> take() noexcept override {
        for (std::size_t i = 0; i < signal_count; ++i)
            if (has_come_[i].exchange(false)) return static_cast<Signal>(i);
        return std::nullopt;
    }

private:
    std::unique_ptr<Waker> waker_;
    std::array<std::atomic<bool>, signal_count> has_come_{};
};

} // namespace

bool on_console_event(DWORD event) noexcept {
    const Signal signal = signal_of(event);
    const std::lock_guard lock(registry().mutex);
    ConsoleSignalCatcher* const catcher = registry().catchers[static_cast<std::size_t>(signal)];
    if (catcher != nullptr) catcher->note(signal);
    return catcher != nullptr;
}

Result<std::unique_ptr<SignalCatcher>> SignalCatcher::make(std::initializer_list<Signal> taken) {
    Result<std::unique_ptr<Waker>> waker = Waker::make();
    if (!waker) return failure(std::move(waker.error()));
    auto catcher = std::make_unique<ConsoleSignalCatcher>(std::move(*waker));
    for (const Signal signal : taken)
        if (const PackedError error = catcher->take_over(signal)) return failure(error.code());
    return catcher;
}

} // namespace tidemill::detail
