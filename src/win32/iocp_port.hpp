// A completion port with the two things a loop needs beside packets: a wake and exact timeouts.
#pragma once

#include "win32/windows.hpp"
#include <atomic>
#include <memory>
#include <span>
#include <tidemill/core/clock.hpp>
#include <tidemill/core/error.hpp>

namespace tidemill::detail {

class IocpPort {
public:
    [[nodiscard]] static Result<std::unique_ptr<IocpPort>> make();
    IocpPort(const IocpPort&) = delete;
    IocpPort& operator=(const IocpPort&) = delete;
    /// Nobody may wait any more.
    ~IocpPort();

    [[nodiscard]] HANDLE handle() const noexcept { return port_; }

    /// The packets of one wait. It may end early without any; a wake's packet is among them.
    [[nodiscard]] Result<std::size_t> wait(std::span<OVERLAPPED_ENTRY> packets, Duration timeout);

    /// Makes a wait that runs, or else the next one, end; wakes in a row coalesce. Any thread.
    void wake() noexcept;
    /// To be called for each packet: true for that of a wake, which is used up then.
    [[nodiscard]] bool take_wake(const OVERLAPPED_ENTRY& packet) noexcept;

private:
    IocpPort(HANDLE port, HANDLE timer) noexcept : port_(port), timer_(timer) {}
    [[nodiscard]] bool arm_timer(Duration timeout) noexcept;

    HANDLE port_;
    HANDLE timer_; ///< null: the system has none of high resolution
    std::atomic<bool> is_raised_{false};
};

} // namespace tidemill::detail
