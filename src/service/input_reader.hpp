// The helper thread of StandardInput and what passes between it and the loop.
//
// One item at most is under way: the loop asks, the thread reads once and keeps what came, and
// tells the loop by a posted closure. An item stays here until a read takes it, so a read that ends
// early loses nothing. The closure holds the reader alive, the loop's thread alone touches `input`.
#pragma once

#include "service/input_handle.hpp"
#include <mutex>
#include <optional>
#include <thread>
#include <tidemill/core/remote.hpp>
#include <vector>

namespace tidemill {
class StandardInput;
}

namespace tidemill::detail {

class InputReader : public std::enable_shared_from_this<InputReader> {
public:
    struct Item {
        Chunk chunk; ///< empty without an error: the end
        PackedError error;
    };

    InputReader(StandardInput& input, Remote remote, Result<std::unique_ptr<InputHandle>> handle);

    // The loop's thread.

    /// What has been read; the end and errors are given again and again.
    [[nodiscard]] std::optional<Item> take();
    /// Lets the thread read once, unless it is about to or has; starts it on first use.
    void ask();
    /// Ends the thread. To be called before the StandardInput goes.
    void stop() noexcept;

private:
    void start_thread();
    void run() noexcept;
    void read_once() noexcept;
    [[nodiscard]] Item read_item() noexcept;
    void notify() noexcept;
    [[nodiscard]] bool is(const bool& flag) noexcept;
    void put(Item item) noexcept;

    StandardInput* input_; ///< null once it is gone
    Remote remote_;
    std::unique_ptr<InputHandle> handle_;
    std::vector<std::byte> buffer_; ///< the thread's own
    std::thread thread_;

    std::mutex mutex_;
    std::optional<Item> item_; ///< guarded by mutex_, as is what follows
    bool is_asked_ = false;
    bool must_stop_ = false;
};

} // namespace tidemill::detail
