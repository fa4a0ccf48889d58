// What the tests of batches share: texts to send, every way to send and receive them.
#pragma once

#include "net/udp_support.hpp"

#include <string>
#include <vector>

namespace tidemill::udp_test {

using Texts = std::vector<std::string>;

// Every combination of what can be switched off.
inline std::vector<UdpOptions> every_way() {
    std::vector<UdpOptions> ways;
    for (unsigned bits = 0; bits < 8; ++bits) {
        UdpOptions options;
        options.many_per_call = (bits & 1U) != 0;
        options.cuts_output = (bits & 2U) != 0;
        options.gathers_input = (bits & 4U) != 0;
        options.receive_buffer_bytes = 4 << 20;
        ways.push_back(options);
    }
    return ways;
}

inline std::string way_of(const UdpOptions& options) {
    return std::string(options.many_per_call ? "many " : "one ") +
           (options.cuts_output ? "cut " : "") + (options.gathers_input ? "gathered" : "");
}

inline std::string text_of(std::size_t size, std::size_t number) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(number * 31 + i * 7);
    return text;
}

inline Texts texts_of(std::initializer_list<std::size_t> sizes) {
    Texts texts;
    for (const std::size_t size : sizes) texts.push_back(text_of(size, texts.size()));
    return texts;
}

inline Task<SendOutcome> send_all(UdpSocket& from, const Texts& texts, const Endpoint& to,
                                  Deadline deadline = {}) {
    SendBatch batch;
    for (const std::string& text : texts) REQUIRE(batch.add(text, to));
    co_return co_await from.send_many(batch, deadline);
}

// Not by its result: GCC 12 spoils vectors that this coroutine gives back.
inline Task<void> receive_texts(UdpSocket& socket, ReceiveBatch& batch, std::size_t count,
                                Texts& texts) {
    texts.clear();
    while (texts.size() < count) {
        const auto got = co_await socket.receive_many(batch, within(ceiling));
        REQUIRE(got);
        CHECK(*got == batch.size());
        for (const DatagramView& each : batch) texts.emplace_back(each.text());
    }
}

} // namespace tidemill::udp_test
