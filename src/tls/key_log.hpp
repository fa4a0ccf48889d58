// The key log: secrets of connections, appended to a file that debugging tools read.
#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <tidemill/core/error.hpp>

namespace tidemill::detail {

class KeyLog {
public:
    /// Opens the file for appending, for its owner only.
    [[nodiscard]] static Result<std::shared_ptr<KeyLog>> open(const std::string& path);
    void append(const char* line) noexcept;

private:
    struct CloseFile {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    std::mutex mutex_;
    std::unique_ptr<std::FILE, CloseFile> file_;
};

} // namespace tidemill::detail
