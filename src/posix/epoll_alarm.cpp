#include "posix/epoll_alarm.hpp"
#include "posix/waiting.hpp"
#include <algorithm>
#include <chrono>
#include <ctime>
#include <sys/timerfd.h>
#include <unistd.h>

namespace tidemill::detail {
namespace {

// Setting costs a system call, so that waits which are short anyway have a timeout.
constexpr Duration least_to_set = std::chrono::milliseconds(100);

} // namespace

EpollAlarm::EpollAlarm() noexcept
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

EpollAlarm::~EpollAlarm() {
    if (timer_ != -1) ::close(timer_);
}

bool EpollAlarm::ends_wait_within(Duration timeout) noexcept {
    if (timer_ == -1 || timeout <= Duration::zero() || timeout == Selector::forever) return false;
    if (!is_set_ && timeout < least_to_set) return false;
    const Duration now = std::chrono::steady_clock::now().time_since_epoch();
    end_of_wait_ns_ = (now + std::min(timeout, longest_wait)).count();
    if (is_set_ && moment_ns_ <= end_of_wait_ns_) return true;
    return timeout >= least_to_set && set(end_of_wait_ns_);
}

Duration EpollAlarm::left_of(Duration timeout) const noexcept {
    if (timeout <= Duration::zero() || timeout == Selector::forever) return timeout;
    const Duration now = std::chrono::steady_clock::now().time_since_epoch();
    return Duration(end_of_wait_ns_) - now;
}

bool EpollAlarm::set(std::int64_t moment_ns) noexcept {
    constexpr std::int64_t second_ns = 1'000'000'000;
    itimerspec when{};
    when.it_value.tv_sec = static_cast<std::time_t>(moment_ns / second_ns);
    when.it_value.tv_nsec = static_cast<long>(moment_ns % second_ns);
    if (::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr) != 0) return false;
    is_set_ = true;
    moment_ns_ = moment_ns;
    return true;
}

} // namespace tidemill::detail
