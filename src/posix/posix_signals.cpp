// Signals on POSIX: a handler that sets a flag and wakes the loop's thread.
//
// The flag is in memory and the wake-up says only "look": after a fork the child shares the
// descriptor but not the flag, so the parent never takes a signal of its child for its own.
// The handler may run on any thread at any moment, also while its catcher is being destroyed; it
// counts itself in and out, and the destructor waits for it after it has made itself unreachable.

#include "posix/posix_error.hpp"
#include "posix/waker.hpp"
#include "service/signal_catcher.hpp"
#include <array>
#include <atomic>
#include <csignal>
#include <thread>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {
namespace {

constexpr std::array numbers = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
constexpr std::size_t signal_count = numbers.size();

class PosixSignalCatcher;
std::array<std::atomic<PosixSignalCatcher*>, signal_count> catchers{};
std::atomic<int> running_handlers{0};
static_assert(std::atomic<PosixSignalCatcher*>::is_always_lock_free,
              "a signal handler takes no lock");

extern "C" void tidemill_on_signal(int number);

class PosixSignalCatcher final : public SignalCatcher {
public:
    explicit PosixSignalCatcher(Waker waker) noexcept : waker_(std::move(waker)) {}
    PosixSignalCatcher(const PosixSignalCatcher&) = delete;
    PosixSignalCatcher& operator=(const PosixSignalCatcher&) = delete;

    ~PosixSignalCatcher() override {
        for (std::size_t i = 0; i < signal_count; ++i)
            if (is_taken_[i]) restore(i);
        // A handler takes microseconds; in the child of a fork, one that ran on another thread of
        // the parent is counted for ever, hence the limit.
        for (int i = 0; i < 100'000 && running_handlers.load() != 0; ++i) std::this_thread::yield();
    }

    [[nodiscard]] PackedError take_over(Signal signal) noexcept {
        const auto index = static_cast<std::size_t>(signal);
        if (is_taken_[index]) return {}; // named twice
        PosixSignalCatcher* nobody = nullptr;
        TIDEMILL_REQUIRE(catchers[index].compare_exchange_strong(nobody, this),
                         "a signal belongs to one Signals object at a time");
        struct sigaction action {};
        action.sa_handler = tidemill_on_signal;
        action.sa_flags = SA_RESTART;
        ::sigemptyset(&action.sa_mask);
        const PackedError error = outcome(::sigaction(numbers[index], &action, &former_[index]));
        is_taken_[index] = !error;
        if (error) catchers[index].store(nullptr);
        return error;
    }

    /// Called by the handler, on any thread.
    void note(std::size_t index) noexcept {
        has_come_[index].store(true);
        waker_.wake();
    }

    [[nodiscard]] NativeSocket readable_end() const noexcept override {
        return waker_.readable_end();
    }
    void drain() noexcept override { waker_.drain(); }
    [[nodiscard]] std::optional<Signal> take() noexcept override {
        for (std::size_t i = 0; i < signal_count; ++i)
            if (has_come_[i].exchange(false)) return static_cast<Signal>(i);
        return std::nullopt;
    }

private:
    // An action that somebody has installed on top of ours is not ours to undo.
    void restore(std::size_t index) noexcept {
        struct sigaction current {};
        ::sigaction(numbers[index], nullptr, &current);
        if (current.sa_handler == tidemill_on_signal)
            ::sigaction(numbers[index], &former_[index], nullptr);
        catchers[index].store(nullptr);
    }

    Waker waker_;
    std::array<std::atomic<bool>, signal_count> has_come_{};
    std::array<bool, signal_count> is_taken_{};
    std::array<struct sigaction, signal_count> former_{};
};

extern "C" void tidemill_on_signal(int number) {
    const int saved_errno = errno;
    running_handlers.fetch_add(1);
    for (std::size_t i = 0; i < signal_count; ++i) {
        if (numbers[i] != number) continue;
        PosixSignalCatcher* const catcher = catchers[i].load();
        if (catcher != nullptr) catcher->note(i);
    }
    running_handlers.fetch_sub(1);
    errno = saved_errno;
}

} // namespace

Result<std::unique_ptr<SignalCatcher>> SignalCatcher::make(std::initializer_list<Signal> taken) {
    Result<Waker> waker = Waker::make();
    if (!waker) return failure(std::move(waker.error()));
    auto catcher = std::make_unique<PosixSignalCatcher>(std::move(*waker));
    for (const Signal signal : taken)
        if (const PackedError error = catcher->take_over(signal)) return failure(error.code());
    return catcher;
}

} // namespace tidemill::detail
