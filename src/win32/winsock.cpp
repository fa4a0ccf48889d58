#include "win32/winsock.hpp"
#include "win32/windows.hpp"

namespace tidemill::detail {

// Never ended by WSACleanup: sockets of static objects may outlive any moment that could be chosen
// for it, and the system cleans up behind a process that ends.
void start_winsock() noexcept {
    static const int result = [] {
        WSADATA data{};
        return ::WSAStartup(MAKEWORD(2, 2), &data);
    }();
    static_cast<void>(result);
}

} // namespace tidemill::detail
