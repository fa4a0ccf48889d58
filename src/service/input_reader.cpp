#include "service/input_reader.hpp"
#include <new>
#include <system_error>
#include <tidemill/service/standard_input.hpp>

namespace tidemill::detail {
namespace {

constexpr std::size_t largest_read_bytes = std::size_t{64} << 10;
constexpr PackedError no_memory = std::errc::not_enough_memory;
/// After a mailbox was full; it is emptied in every turn of the loop.
constexpr Duration notify_again_after = std::chrono::milliseconds(10);
constexpr Duration no_limit{-1};

} // namespace

InputReader::InputReader(StandardInput& input, Remote remote,
                         Result<std::unique_ptr<InputHandle>> handle)
    : input_(&input), remote_(std::move(remote)) {
    if (handle) {
        handle_ = std::move(*handle);
    } else {
        item_ = Item{{}, PackedError(static_cast<std::errc>(handle.error().code().value()))};
    }
}

// The loop's thread

std::optional<InputReader::Item> InputReader::take() {
    const std::lock_guard lock(mutex_);
    if (!item_) return std::nullopt;
    if (item_->chunk.empty()) return Item{{}, item_->error};
    std::optional<Item> taken = std::move(item_);
    item_.reset();
    return taken;
}

void InputReader::ask() {
    if (!thread_.joinable()) start_thread();
    {
        const std::lock_guard lock(mutex_);
        if (item_ || is_asked_) return;
        is_asked_ = true;
    }
    handle_->interrupt();
}

void InputReader::start_thread() {
    try {
        buffer_.resize(largest_read_bytes);
        thread_ = std::thread([this] { run(); });
    } catch (const std::bad_alloc&) {
        put({{}, no_memory});
    } catch (const std::system_error&) {
        put({{}, std::errc::resource_unavailable_try_again});
    }
}

void InputReader::stop() noexcept {
    input_ = nullptr;
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        must_stop_ = true;
    }
    handle_->interrupt();
    thread_.join();
}

// The helper thread

void InputReader::run() noexcept {
    handle_->enter_thread();
    while (!is(must_stop_))
        if (handle_->wait(is(is_asked_), no_limit)) read_once();
}

void InputReader::read_once() noexcept {
    Item item = read_item();
    if (item.error == PackedError(std::errc::operation_would_block)) return;
    put(std::move(item));
    notify();
}

InputReader::Item InputReader::read_item() noexcept {
    const IoResult io = handle_->read(buffer_);
    if (io.error || io.bytes == 0) return {{}, io.error};
    try {
        return {Chunk::copy_of(std::span(buffer_).first(io.bytes)), {}};
    } catch (const std::bad_alloc&) {
        return {{}, no_memory};
    }
}

void InputReader::notify() noexcept {
    while (!is(must_stop_)) {
        try {
            const bool is_posted = remote_.post([self = shared_from_this()] {
                if (self->input_ != nullptr) self->input_->on_input();
            });
            if (is_posted) return;
        } catch (const std::bad_alloc&) { // as if the mailbox were full
        }
        handle_->wait(false, notify_again_after);
    }
}

bool InputReader::is(const bool& flag) noexcept {
    const std::lock_guard lock(mutex_);
    return flag;
}

void InputReader::put(Item item) noexcept {
    const std::lock_guard lock(mutex_);
    item_ = std::move(item);
    is_asked_ = false;
}

} // namespace tidemill::detail
