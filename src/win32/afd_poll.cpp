// The declarations are our own: the headers of the compilers differ in what they have of the native
// interface. Its functions are looked up at run time, so that a program starts where they are
// missing; the selector cannot be made there.

#include "win32/afd_poll.hpp"
#include "win32/winsock_error.hpp"
#include <array>
#include <cwchar>
#include <limits>

// Missing in older headers.
#ifndef SIO_BASE_HANDLE
#define SIO_BASE_HANDLE 0x48000022
#endif
#ifndef SIO_BSP_HANDLE_SELECT
#define SIO_BSP_HANDLE_SELECT 0x4800001C
#endif
#ifndef SIO_BSP_HANDLE_POLL
#define SIO_BSP_HANDLE_POLL 0x4800001D
#endif

namespace tidemill::detail {
namespace {

constexpr ULONG ioctl_afd_poll = 0x00012024;
constexpr LONG status_success = 0;
constexpr LONG status_pending = 0x00000103;

struct UnicodeString {
    USHORT length_bytes;
    USHORT maximum_bytes;
    const wchar_t* text;
};

struct ObjectAttributes {
    ULONG length;
    HANDLE root;
    const UnicodeString* name;
    ULONG attributes;
    void* security_descriptor;
    void* security_quality;
};

using IoStatus = decltype(AfdRequest::io);

using CreateFileCall = LONG(NTAPI*)(HANDLE*, ACCESS_MASK, const ObjectAttributes*, IoStatus*,
                                    LARGE_INTEGER*, ULONG, ULONG, ULONG, ULONG, void*, ULONG);
using DeviceControlCall = LONG(NTAPI*)(HANDLE, HANDLE, void*, void*, IoStatus*, ULONG, void*, ULONG,
                                       void*, ULONG);
using CancelCall = LONG(NTAPI*)(HANDLE, IoStatus*, IoStatus*);

template <class Function> Function find_function(HMODULE module, const char* name) noexcept {
    if (module == nullptr) return nullptr;
    // By way of a type that any function pointer may be cast to without a warning.
    return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(::GetProcAddress(module, name)));
}

struct NativeCalls {
    NativeCalls() noexcept {
        const HMODULE module = ::GetModuleHandleW(L"ntdll.dll");
        create_file = find_function<CreateFileCall>(module, "NtCreateFile");
        device_control = find_function<DeviceControlCall>(module, "NtDeviceIoControlFile");
        cancel = find_function<CancelCall>(module, "NtCancelIoFileEx");
    }
    [[nodiscard]] bool are_complete() const noexcept {
        return create_file != nullptr && device_control != nullptr && cancel != nullptr;
    }
    CreateFileCall create_file;
    DeviceControlCall device_control;
    CancelCall cancel;
};

const NativeCalls& native() noexcept {
    static const NativeCalls calls;
    return calls;
}

HANDLE open_device(const wchar_t* name) noexcept {
    const auto bytes = static_cast<USHORT>(std::wcslen(name) * sizeof(wchar_t));
    const UnicodeString path{bytes, bytes, name};
    const ObjectAttributes attributes{
        sizeof(ObjectAttributes), nullptr, &path, 0, nullptr, nullptr};
    constexpr ULONG open_existing = 1;
    HANDLE handle = nullptr;
    IoStatus status{};
    const LONG result =
        native().create_file(&handle, SYNCHRONIZE, &attributes, &status, nullptr, 0,
                             FILE_SHARE_READ | FILE_SHARE_WRITE, open_existing, 0, nullptr, 0);
    return result == status_success ? handle : nullptr;
}

bool ask_for_base(NativeSocket socket, DWORD question, SOCKET& base) noexcept {
    DWORD bytes = 0;
    return ::WSAIoctl(socket, question, nullptr, 0, &base, sizeof base, &bytes, nullptr, nullptr) ==
           0;
}

} // namespace

// Some layered providers swallow the first question and answer one of the others.
BaseSocket base_socket(NativeSocket socket) noexcept {
    SOCKET base = INVALID_SOCKET;
    if (ask_for_base(socket, SIO_BASE_HANDLE, base)) return {base, {}};
    const PackedError error = last_socket_error();
    for (const DWORD question : {DWORD{SIO_BSP_HANDLE_POLL}, DWORD{SIO_BSP_HANDLE_SELECT}})
        if (ask_for_base(socket, question, base) && base != socket) return {base, {}};
    return {invalid_socket, error};
}

ULONG AfdRequest::found() const noexcept {
    return io.status == status_success && poll.count > 0 ? poll.socket.events : 0;
}

Result<std::unique_ptr<AfdDevice>> AfdDevice::open(const wchar_t* name, HANDLE port) {
    const HANDLE handle = native().are_complete() ? open_device(name) : nullptr;
    if (handle == nullptr) return failure(Errc::not_supported);
    std::unique_ptr<AfdDevice> device(new AfdDevice(handle));
    if (::CreateIoCompletionPort(handle, port, 0, 0) == nullptr)
        return failure(last_system_error().code());
    // Nobody waits for the handle itself; without the event each completion is a little cheaper.
    ::SetFileCompletionNotificationModes(handle, FILE_SKIP_SET_EVENT_ON_HANDLE);
    return device;
}

AfdDevice::~AfdDevice() { ::CloseHandle(handle_); }

bool AfdDevice::poll(AfdRequest& request, NativeSocket base, ULONG events) noexcept {
    request.io.status = status_pending;
    request.io.information = 0;
    request.poll.timeout.QuadPart = std::numeric_limits<LONGLONG>::max();
    request.poll.count = 1;
    request.poll.is_exclusive = FALSE;
    request.poll.socket = {reinterpret_cast<HANDLE>(base), events, 0};
    const LONG result = native().device_control(handle_, nullptr, nullptr, &request, &request.io,
                                                ioctl_afd_poll, &request.poll, sizeof request.poll,
                                                &request.poll, sizeof request.poll);
    return result == status_success || result == status_pending;
}

// "Not found" is the one failure that happens: the request has completed and its packet waits.
void AfdDevice::cancel(AfdRequest& request) noexcept {
    if (request.io.status != status_pending) return;
    IoStatus status{};
    native().cancel(handle_, &request.io, &status);
}

} // namespace tidemill::detail
