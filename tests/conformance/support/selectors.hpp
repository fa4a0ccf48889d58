// The selectors as types, so that doctest names a case by the selector it ran on and ctest has an
// entry for each. TIDEMILL_EVERY_SELECTOR, the list of those that this platform has, comes from
// CMake.
#pragma once

#include "core/selector.hpp"

#include <doctest/doctest.h>
#include <vector>

namespace tidemill::conformance {

/// No wait in a test lasts longer; one that does has failed.
inline constexpr Duration ceiling = std::chrono::seconds(5);

class SelectorUnderTest {
public:
    explicit SelectorUnderTest(std::string_view name)
        : selector_(or_throw(detail::make_selector(name))) {}
    detail::Selector* operator->() const noexcept { return selector_.get(); }
    detail::Selector& operator*() const noexcept { return *selector_; }

    /// The events of one wait; an error of the wait fails the test.
    [[nodiscard]] std::vector<detail::Event> events(Duration timeout = ceiling,
                                                    std::size_t at_most = 64) const {
        std::vector<detail::Event> ready(at_most);
        const Result<std::size_t> count = selector_->wait(ready, timeout);
        REQUIRE(count.has_value());
        REQUIRE(*count <= at_most);
        ready.resize(*count);
        return ready;
    }

private:
    std::unique_ptr<detail::Selector> selector_;
};

struct Epoll : SelectorUnderTest {
    Epoll() : SelectorUnderTest("epoll") {}
    static constexpr bool tells_news_once = true;
    static constexpr bool tells_hang_up_apart = true;
    static constexpr bool is_limited = false;
    static constexpr bool signals_end_waits = true;
};
struct Poll : SelectorUnderTest {
    Poll() : SelectorUnderTest("poll") {}
    static constexpr bool tells_news_once = false;
    static constexpr bool tells_hang_up_apart = true;
    static constexpr bool is_limited = false;
    static constexpr bool signals_end_waits = true;
};
struct Select : SelectorUnderTest {
    Select() : SelectorUnderTest("select") {}
    static constexpr bool tells_news_once = false;
    static constexpr bool tells_hang_up_apart = false; ///< from readable and writable
    static constexpr bool is_limited = true;           ///< by FD_SETSIZE
    static constexpr bool signals_end_waits = true;
};
struct Uv : SelectorUnderTest {
    Uv() : SelectorUnderTest("uv") {}
    static constexpr bool tells_news_once = false;
    static constexpr bool tells_hang_up_apart = true;
    static constexpr bool is_limited = false;
    static constexpr bool signals_end_waits = false; ///< libuv waits again
};
struct Iocp : SelectorUnderTest {
    Iocp() : SelectorUnderTest("iocp") {}
    static constexpr bool tells_news_once = false;
    static constexpr bool tells_hang_up_apart = true;
    static constexpr bool is_limited = false;
};
struct Wsapoll : SelectorUnderTest {
    Wsapoll() : SelectorUnderTest("wsapoll") {}
    static constexpr bool tells_news_once = false;
    static constexpr bool tells_hang_up_apart = true;
    static constexpr bool is_limited = false;
};

[[nodiscard]] constexpr detail::Token token(std::size_t slot, unsigned generation = 1) noexcept {
    return {static_cast<std::uint32_t>(slot), generation};
}

/// Time that passed since this was made, by the clock that the loop uses.
class Stopwatch {
public:
    [[nodiscard]] Duration elapsed() const { return detail::steady_clock().now() - start_; }

private:
    Duration start_ = detail::steady_clock().now();
};

} // namespace tidemill::conformance

using tidemill::conformance::Epoll;
using tidemill::conformance::Iocp;
using tidemill::conformance::Poll;
using tidemill::conformance::Select;
using tidemill::conformance::Uv;
using tidemill::conformance::Wsapoll;
TYPE_TO_STRING(Epoll);
TYPE_TO_STRING(Iocp);
TYPE_TO_STRING(Poll);
TYPE_TO_STRING(Select);
TYPE_TO_STRING(Uv);
TYPE_TO_STRING(Wsapoll);
