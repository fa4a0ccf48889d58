// What the system's console handler does here, for tests: no program can send itself every event.
#pragma once

#include "win32/windows.hpp"

namespace tidemill::detail {

/// True if somebody has taken the signal that the event stands for; then it is passed on, and the
/// system is to do nothing. Any thread.
bool on_console_event(DWORD event) noexcept;

/// Events after which the system ends the process as soon as its handler returns.
[[nodiscard]] constexpr bool is_last_event(DWORD event) noexcept {
    return event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT;
}

} // namespace tidemill::detail
