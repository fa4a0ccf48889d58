// The BIO between OpenSSL and an engine: reads from the received bytes where they lie, and appends
// records to the buffer that they are sent from.
//
// It never refuses output. A write that a BIO refuses must be repeated with the same bytes; if it
// is abandoned instead, the record that OpenSSL has ready goes out in place of the next one.
#pragma once

#include "tls/openssl.hpp"
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace tidemill::detail {

/// Where the records of the input begin and end.
class RecordTracker {
public:
    void advance(std::span<const std::byte> bytes) noexcept {
        const bool is_one_record = is_at_boundary() && bytes.size() > header_size &&
                                   bytes.size() == header_size + body_bytes(bytes);
        if (!is_one_record) advance_piecewise(bytes);
    }
    [[nodiscard]] bool is_at_boundary() const noexcept {
        return body_bytes_left_ == 0 && header_bytes_ == 0;
    }

private:
    static constexpr std::size_t header_size = 5;
    void advance_piecewise(std::span<const std::byte> bytes) noexcept;
    [[nodiscard]] static std::size_t body_bytes(std::span<const std::byte> header) noexcept {
        return std::to_integer<std::size_t>(header[3]) << 8 |
               std::to_integer<std::size_t>(header[4]);
    }
    std::array<std::byte, header_size> header_{};
    std::size_t header_bytes_ = 0;
    std::size_t body_bytes_left_ = 0;
};

struct EngineBio {
    std::span<const std::byte> input;
    std::vector<std::byte>* output = nullptr;
    RecordTracker records;
    bool holds_input = false;   ///< as if none had come
    bool is_starved = false;    ///< the last read found nothing
    bool drops_output = false;  ///< as if it had been sent
    bool lacked_memory = false; ///< output was lost
};

/// A BIO over `bio`, which must outlive it. Throws std::bad_alloc.
[[nodiscard]] Owned<BIO> make_bio(EngineBio& bio);

} // namespace tidemill::detail
