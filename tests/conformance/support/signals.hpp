// A real signal, again and again, for waits that must bear it.
#pragma once

#include <atomic>
#include <csignal>
#include <thread>

#include <pthread.h>

namespace tidemill::conformance {

/// Interrupts the thread that made it until it is destroyed; then the old action is back.
class SignalStorm {
public:
    SignalStorm() {
        struct sigaction action {};
        action.sa_handler = [](int) { received.fetch_add(1); };
        ::sigaction(SIGUSR1, &action, &before_);
        received = 0;
        sender_ = std::thread([this, target = ::pthread_self()] {
            while (!is_over_.load()) {
                ::pthread_kill(target, SIGUSR1);
                std::this_thread::yield();
            }
        });
    }
    SignalStorm(const SignalStorm&) = delete;
    SignalStorm& operator=(const SignalStorm&) = delete;
    ~SignalStorm() {
        is_over_.store(true);
        sender_.join();
        ::sigaction(SIGUSR1, &before_, nullptr);
    }
    [[nodiscard]] int count() const noexcept { return received.load(); }

private:
    static inline std::atomic<int> received{0};
    struct sigaction before_ {};
    std::atomic<bool> is_over_{false};
    std::thread sender_;
};

} // namespace tidemill::conformance
