// Standard input on Windows: one blocking read on the helper thread, called back by interrupt().
//
// There is no way to wait for a pipe that somebody else has made: its handle belongs to whoever
// started the process, and is neither overlapped nor a thing that can be waited for. So wait() is
// the read itself, into memory of this object, and read() hands out what it has brought. A read
// that interrupt() has called back has taken nothing.

#include "service/input_handle.hpp"
#include "win32/windows.hpp"
#include "win32/winsock_error.hpp"
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemill::detail {
namespace {

constexpr std::size_t largest_read_bytes = std::size_t{64} << 10;

class ConsoleInputHandle final : public InputHandle {
public:
    explicit ConsoleInputHandle(HANDLE input) : input_(input), buffer_(largest_read_bytes) {}
    ConsoleInputHandle(const ConsoleInputHandle&) = delete;
    ConsoleInputHandle& operator=(const ConsoleInputHandle&) = delete;
    ~ConsoleInputHandle() override {
        if (thread_ != nullptr) ::CloseHandle(thread_);
    }

    void enter_thread() noexcept override {
        const std::lock_guard lock(mutex_);
        // A handle that other threads may use: GetCurrentThread() means whoever asks.
        ::DuplicateHandle(::GetCurrentProcess(), ::GetCurrentThread(), ::GetCurrentProcess(),
                          &thread_, 0, FALSE, DUPLICATE_SAME_ACCESS);
    }

    bool wait(bool for_input, Duration at_most) noexcept override {
        return for_input ? wait_for_input() : wait_for_interrupt(at_most);
    }

    IoResult read(std::span<std::byte> into) noexcept override {
        const std::size_t count = std::min(into.size(), read_.bytes);
        std::memcpy(into.data(), buffer_.data(), count);
        const IoResult result{count, read_.error};
        std::memmove(buffer_.data(), buffer_.data() + count, read_.bytes - count);
        read_.bytes -= count;
        return result;
    }

    // A call that is about to begin cannot be called back yet, hence the repetition; it ends when
    // the thread has noticed.
    void interrupt() noexcept override {
        std::unique_lock lock(mutex_);
        is_interrupted_ = true;
        changed_.notify_all();
        while (is_reading_ && is_interrupted_) {
            if (thread_ != nullptr) ::CancelSynchronousIo(thread_);
            changed_.wait_for(lock, std::chrono::milliseconds(1));
        }
    }

private:
    bool wait_for_input() noexcept {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(is_interrupted_, false)) return false;
            is_reading_ = true;
        }
        DWORD count = 0;
        const BOOL is_read =
            ::ReadFile(input_, buffer_.data(), static_cast<DWORD>(buffer_.size()), &count, nullptr);
        const DWORD number = is_read != FALSE ? 0 : ::GetLastError();
        const std::lock_guard lock(mutex_);
        is_reading_ = false;
        is_interrupted_ = false;
        changed_.notify_all();
        if (number == ERROR_OPERATION_ABORTED) return false;
        const bool is_end = number == ERROR_BROKEN_PIPE || number == ERROR_HANDLE_EOF;
        read_ = {count, is_end ? PackedError() : translated(static_cast<int>(number))};
        return true;
    }

    bool wait_for_interrupt(Duration at_most) noexcept {
        std::unique_lock lock(mutex_);
        const auto is_over = [this] { return is_interrupted_; };
        if (at_most < Duration::zero())
            changed_.wait(lock, is_over);
        else
            changed_.wait_for(lock, at_most, is_over);
        is_interrupted_ = false;
        return false;
    }

    HANDLE input_;
    std::vector<std::byte> buffer_;
    IoResult read_; ///< what the last wait has brought
    HANDLE thread_ = nullptr;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_reading_ = false;     ///< guarded by mutex_, as is what follows
    bool is_interrupted_ = false; ///< and not noticed yet
};

} // namespace

Result<std::unique_ptr<InputHandle>> standard_input_handle() {
    const HANDLE input = ::GetStdHandle(STD_INPUT_HANDLE);
    if (input == nullptr || input == INVALID_HANDLE_VALUE)
        return failure(std::errc::bad_file_descriptor);
    return input_handle(reinterpret_cast<NativeSocket>(input));
}

Result<std::unique_ptr<InputHandle>> input_handle(NativeSocket descriptor) {
    const HANDLE input = reinterpret_cast<HANDLE>(descriptor);
    ::SetLastError(NO_ERROR);
    if (::GetFileType(input) == FILE_TYPE_UNKNOWN && ::GetLastError() != NO_ERROR)
        return failure(std::errc::bad_file_descriptor);
    return std::make_unique<ConsoleInputHandle>(input);
}

} // namespace tidemill::detail
