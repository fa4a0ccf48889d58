#include "support/os.hpp"
#include "win32/windows.hpp"

#include <array>
#include <doctest/doctest.h>
#include <vector>

namespace tidemill::support {

const OsFacts& os_facts() {
    static const OsFacts facts = [] {
        OsFacts found;
        found.is_windows = true;
        found.is_wine =
            ::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
        found.has_reuse_port = false;
        found.reset_hides_end = true;
        found.reset_hides_peer = true;
        found.watches_foreign_sockets = false;
        return found;
    }();
    return facts;
}

std::size_t open_descriptors() { return 0; }

int poll_sockets(std::span<Polled> sockets, int timeout_ms) {
    std::vector<WSAPOLLFD> watched;
    for (const Polled& each : sockets) {
        const int events = (each.read ? POLLRDNORM : 0) | (each.write ? POLLWRNORM : 0);
        watched.push_back({each.socket, static_cast<short>(events), 0});
    }
    const int count = ::WSAPoll(watched.data(), static_cast<ULONG>(watched.size()), timeout_ms);
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        sockets[i].readable = (watched[i].revents & (POLLRDNORM | POLLHUP)) != 0;
        sockets[i].writable = (watched[i].revents & POLLWRNORM) != 0;
    }
    return count;
}

void send_urgent(NativeSocket socket) { REQUIRE(::send(socket, "!", 1, MSG_OOB) == 1); }

NativeSocket duplicate_socket(NativeSocket socket, int) {
    WSAPROTOCOL_INFOW info{};
    REQUIRE(::WSADuplicateSocketW(socket, ::GetCurrentProcessId(), &info) == 0);
    const SOCKET copy = ::WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                                     &info, 0, WSA_FLAG_OVERLAPPED);
    REQUIRE(copy != INVALID_SOCKET);
    return copy;
}

void make_foreign(NativeSocket socket) {
    u_long off = 0;
    REQUIRE(::ioctlsocket(socket, static_cast<long>(FIONBIO), &off) == 0);
    REQUIRE(::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT,
                                   HANDLE_FLAG_INHERIT) != FALSE);
}

bool is_inherited(NativeSocket socket) {
    DWORD flags = 0;
    REQUIRE(::GetHandleInformation(reinterpret_cast<HANDLE>(socket), &flags) != FALSE);
    return (flags & HANDLE_FLAG_INHERIT) != 0;
}

// Windows takes IP_TOS and does nothing about it, unless its administrator allows it. Wine takes no
// traffic class of IPv6.
bool mark_outgoing(NativeSocket socket, bool is_v4, int mark) {
    if (!is_v4 || !os_facts().is_wine) return false;
    return ::setsockopt(socket, IPPROTO_IP, IP_TOS, reinterpret_cast<const char*>(&mark),
                        static_cast<int>(sizeof mark)) == 0;
}

bool is_beyond_select(std::size_t watched, NativeSocket) {
    return watched + 1 >= FD_SETSIZE; // one is the selector's own
}

SocketLimit::SocketLimit(unsigned) {}

SocketLimit::~SocketLimit() = default;

OsPipe::OsPipe() {
    HANDLE out = nullptr;
    HANDLE in = nullptr;
    REQUIRE(::CreatePipe(&out, &in, nullptr, 256 * 1024) != FALSE);
    out_ = reinterpret_cast<NativeSocket>(out);
    in_ = reinterpret_cast<NativeSocket>(in);
}

OsPipe::~OsPipe() {
    close_in();
    if (out_ != invalid_socket) ::CloseHandle(reinterpret_cast<HANDLE>(out_));
}

void OsPipe::write(std::string_view text) const {
    DWORD count = 0;
    REQUIRE(::WriteFile(reinterpret_cast<HANDLE>(in_), text.data(), static_cast<DWORD>(text.size()),
                        &count, nullptr) != FALSE);
    REQUIRE(count == text.size());
}

std::size_t OsPipe::read(std::span<char> into) const {
    DWORD there = 0;
    const HANDLE out = reinterpret_cast<HANDLE>(out_);
    REQUIRE(::PeekNamedPipe(out, nullptr, 0, nullptr, &there, nullptr) != FALSE);
    if (there == 0) return 0;
    DWORD count = 0;
    REQUIRE(::ReadFile(out, into.data(), static_cast<DWORD>(into.size()), &count, nullptr) !=
            FALSE);
    return count;
}

void OsPipe::close_in() {
    if (in_ != invalid_socket)
        ::CloseHandle(reinterpret_cast<HANDLE>(std::exchange(in_, invalid_socket)));
}

OsFile::OsFile(std::string_view text) {
    std::array<wchar_t, MAX_PATH + 1> directory{};
    std::array<wchar_t, MAX_PATH + 1> name{};
    REQUIRE(::GetTempPathW(MAX_PATH, directory.data()) > 0);
    REQUIRE(::GetTempFileNameW(directory.data(), L"tide", 0, name.data()) > 0);
    const HANDLE file =
        ::CreateFileW(name.data(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS,
                      FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
    REQUIRE(file != INVALID_HANDLE_VALUE);
    DWORD count = 0;
    REQUIRE(::WriteFile(file, text.data(), static_cast<DWORD>(text.size()), &count, nullptr) !=
            FALSE);
    REQUIRE(::SetFilePointer(file, 0, nullptr, FILE_BEGIN) == 0);
    handle_ = reinterpret_cast<NativeSocket>(file);
}

OsFile::~OsFile() { ::CloseHandle(reinterpret_cast<HANDLE>(handle_)); }

} // namespace tidemill::support
