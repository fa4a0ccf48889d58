// The timeout of a completion port counts in the system's ticks, of 15.6 ms. For the last stretch
// of a wait a high-resolution timer is armed as well: it queues a call to this thread, and an
// alertable wait ends when it has run that call. Where there is no such timer (before Windows 10
// version 1803), a wait ends up to a tick late.

#include "win32/iocp_port.hpp"
#include "win32/waiting.hpp"
#include "win32/winsock_error.hpp"

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

namespace tidemill::detail {
namespace {

/// What is left to the timer: more than a tick, so that no tick is skipped before it.
constexpr Duration last_stretch = std::chrono::milliseconds(32);

void CALLBACK on_timer(void*, DWORD, DWORD) noexcept {}

} // namespace

Result<std::unique_ptr<IocpPort>> IocpPort::make() {
    const HANDLE port = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
    if (port == nullptr) return failure(last_system_error().code());
    const HANDLE timer = ::CreateWaitableTimerExW(
        nullptr, nullptr, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    return std::unique_ptr<IocpPort>(new IocpPort(port, timer));
}

IocpPort::~IocpPort() {
    if (timer_ != nullptr) ::CloseHandle(timer_);
    ::CloseHandle(port_);
}

bool IocpPort::arm_timer(Duration timeout) noexcept {
    if (timer_ == nullptr || timeout == Duration::zero()) return false;
    constexpr std::int64_t ns_per_unit = 100;
    LARGE_INTEGER due{}; // negative: from now
    due.QuadPart = -((timeout.count() + ns_per_unit - 1) / ns_per_unit);
    return ::SetWaitableTimer(timer_, &due, 0, on_timer, nullptr, FALSE) != FALSE;
}

Result<std::size_t> IocpPort::wait(std::span<OVERLAPPED_ENTRY> packets, Duration timeout) {
    const bool is_last_stretch = timeout <= last_stretch;
    const bool is_timed = is_last_stretch && arm_timer(timeout);
    // Without the timer the wait is rounded up; before the last stretch it may end early.
    const Duration coarse = is_last_stretch || timer_ == nullptr ? timeout : timeout - last_stretch;
    ULONG count = 0;
    const BOOL has_packets = ::GetQueuedCompletionStatusEx(
        port_, packets.data(), static_cast<ULONG>(packets.size()), &count,
        static_cast<DWORD>(to_wait_ms(coarse)) + (is_timed ? 1 : 0), is_timed ? TRUE : FALSE);
    const DWORD number = has_packets != FALSE ? 0 : ::GetLastError();
    if (is_timed) ::CancelWaitableTimer(timer_);
    if (has_packets != FALSE) return std::size_t{count};
    if (number == WAIT_TIMEOUT || number == WAIT_IO_COMPLETION) return std::size_t{0};
    return failure(translated(static_cast<int>(number)).code());
}

// Only a lack of memory makes posting fail. The next wake tries again.
void IocpPort::wake() noexcept {
    if (is_raised_.exchange(true)) return;
    if (::PostQueuedCompletionStatus(port_, 0, 0, nullptr) == FALSE) is_raised_.store(false);
}

// Requests have a block of memory, a wake has none. The exchange, and no store, makes what a thread
// wrote before a wake that needed no packet of its own visible here.
bool IocpPort::take_wake(const OVERLAPPED_ENTRY& packet) noexcept {
    if (packet.lpOverlapped != nullptr) return false;
    static_cast<void>(is_raised_.exchange(false));
    return true;
}

} // namespace tidemill::detail
