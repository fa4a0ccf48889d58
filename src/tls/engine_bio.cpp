#include "tls/engine_bio.hpp"
#include <algorithm>
#include <cstring>
#include <new>

namespace tidemill::detail {

void RecordTracker::advance_piecewise(std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        if (body_bytes_left_ > 0) {
            const std::size_t count = std::min(body_bytes_left_, bytes.size());
            body_bytes_left_ -= count;
            bytes = bytes.subspan(count);
            continue;
        }
        const std::size_t count = std::min(header_size - header_bytes_, bytes.size());
        std::copy_n(bytes.begin(), count, header_.begin() + static_cast<long>(header_bytes_));
        header_bytes_ += count;
        bytes = bytes.subspan(count);
        if (header_bytes_ < header_size) return;
        header_bytes_ = 0;
        body_bytes_left_ = body_bytes(header_);
    }
}

namespace {

EngineBio& state_of(BIO* bio) noexcept { return *static_cast<EngineBio*>(BIO_get_data(bio)); }

int read_input(BIO* bio, char* into, std::size_t size, std::size_t* count) {
    EngineBio& state = state_of(bio);
    BIO_clear_retry_flags(bio);
    *count = 0;
    state.is_starved = state.input.empty() || state.holds_input;
    if (state.is_starved) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *count = std::min(size, state.input.size());
    std::memcpy(into, state.input.data(), *count);
    state.records.advance(state.input.first(*count));
    state.input = state.input.subspan(*count);
    return 1;
}

int write_output(BIO* bio, const char* data, std::size_t size, std::size_t* count) {
    EngineBio& state = state_of(bio);
    BIO_clear_retry_flags(bio);
    *count = size;
    if (state.drops_output) return 1;
    try {
        const auto* const bytes = reinterpret_cast<const std::byte*>(data);
        state.output->insert(state.output->end(), bytes, bytes + size);
        return 1;
    } catch (const std::bad_alloc&) {
        state.lacked_memory = true;
        *count = 0;
        return 0;
    }
}

long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0; // everything else does not concern memory
}

Owned<BIO_METHOD> make_method() {
    Owned<BIO_METHOD> method(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tidemill engine"));
    if (method == nullptr || BIO_meth_set_read_ex(method.get(), &read_input) != 1 ||
        BIO_meth_set_write_ex(method.get(), &write_output) != 1 ||
        BIO_meth_set_ctrl(method.get(), &control) != 1)
        throw std::bad_alloc();
    return method;
}

} // namespace

Owned<BIO> make_bio(EngineBio& bio) {
    static const Owned<BIO_METHOD> method = make_method();
    Owned<BIO> made(BIO_new(method.get()));
    if (made == nullptr) throw std::bad_alloc();
    BIO_set_data(made.get(), &bio);
    BIO_set_init(made.get(), 1);
    return made;
}

} // namespace tidemill::detail
