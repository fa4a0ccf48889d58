#include "tls/key_log.hpp"
#include <cerrno>
#include <filesystem>

namespace tidemill::detail {

Result<std::shared_ptr<KeyLog>> KeyLog::open(const std::string& path) {
    auto log = std::make_shared<KeyLog>();
    errno = 0;
    log->file_.reset(std::fopen(path.c_str(), "a"));
    if (log->file_ == nullptr)
        return failure(
            Error(std::make_error_code(static_cast<std::errc>(errno)), "key log " + path));
    // A device such as /dev/stderr keeps the permissions that it has.
    std::error_code error;
    constexpr auto owner_only =
        std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
    if (!std::filesystem::is_regular_file(path, error)) return log;
    std::filesystem::permissions(path, owner_only, error);
    if (error) return failure(Error(error, "key log " + path));
    return log;
}

void KeyLog::append(const char* line) noexcept {
    const std::lock_guard lock(mutex_);
    std::fprintf(file_.get(), "%s\n", line);
    std::fflush(file_.get());
}

} // namespace tidemill::detail
